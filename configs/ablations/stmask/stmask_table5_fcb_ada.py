# Table 5, row 3 (31.2 AP): adaptive FCB without FCA. The 3x3 grid of every kernel is
# moved by offsets that come from its own anchor's regression.
_base_ = ['./stmask_table1_baseline.py']

model = dict(
    bbox_head=dict(
        calibration=dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=dict(type='AdaptiveOffset'),
            branches=('cls', 'coeff'),
        )
    )
)
