# Table 5, row 4 (31.3 AP): aligned FCB without FCA. The 3x3 grid of every kernel is
# laid on the box regressed from its anchor, whose shape is not the kernel's.
_base_ = ['./stmask_table5_fcb_ada.py']

model = dict(
    bbox_head=dict(
        calibration=dict(
            offset=dict(type='AlignedOffset'),
            branches=('coeff', 'embed'),
        )
    )
)
