# Table 2, row 5, ada (32.5 AP): FCA, and FCB on the mask and track branch.
_base_ = ['./stmask_table1_kernels_3x5.py']

model = dict(
    bbox_head=dict(
        calibration=dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=dict(type='AdaptiveOffset'),
            branches=('coeff', 'embed'),
        )
    )
)
