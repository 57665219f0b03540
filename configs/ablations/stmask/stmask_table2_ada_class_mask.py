# Table 2, row 3, ada (34.4 AP; also row 3 of Table 4):
# FCA, and FCB on the class and mask branch.
_base_ = ['./stmask_table1_kernels_3x5.py']

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
