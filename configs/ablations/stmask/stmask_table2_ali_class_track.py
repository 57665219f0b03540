# Table 2, row 4, ali (32.4 AP): FCA, and FCB on the class and track branch.
_base_ = ['./stmask_table1_kernels_3x5.py']

model = dict(
    bbox_head=dict(
        calibration=dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=dict(type='AlignedOffset'),
            branches=('cls', 'embed'),
        )
    )
)
