# Table 1, row 1 (28.9 AP; also the first row of Tables 4 and 5): Yolact with a track
# branch. Every anchor shape has a 3x3 kernel; no FCA, no FCB, no temporal fusion.
_base_ = ['../../stmask_r101.py']

model = dict(
    bbox_head=dict(
        anchor_generator=dict(
            kernel_sizes=[(3, 3), (3, 3), (3, 3)], ratios=[1, 1 / 2, 2]
        ),
        calibration=None,
    ),
    temporal_net=None,
    # Without propagated masks nothing is supplemented (eq. 17).
    tracker=dict(supplement=None),
)
