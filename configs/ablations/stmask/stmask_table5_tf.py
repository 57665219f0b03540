# Table 5, row 5 (34.1 AP): temporal fusion alone.
_base_ = ['../../stmask_r101.py']

model = dict(
    bbox_head=dict(
        anchor_generator=dict(
            kernel_sizes=[(3, 3), (3, 3), (3, 3)], ratios=[1, 1 / 2, 2]
        ),
        calibration=None,
    )
)
