# Table 1, row 2 (29.9 AP): FCA with kernels no larger than 3x3.
_base_ = ['./stmask_table1_baseline.py']

model = dict(
    bbox_head=dict(
        anchor_generator=dict(kernel_sizes=[(3, 3), (3, 2), (2, 3)], ratios=None)
    )
)
