# Table 2, row 2, ali (31.7 AP): FCA, and FCB on the class, mask and track branch.
_base_ = ['./stmask_table1_kernels_3x5.py']

model = dict(
    bbox_head=dict(
        calibration=dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=dict(type='AlignedOffset'),
            branches=('cls', 'coeff', 'embed'),
        )
    )
)
