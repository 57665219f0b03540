# Table 1, row 3 (30.8 AP; also row 1 of Table 2 and row 2 of Tables 4 and 5): FCA.
_base_ = ['./stmask_table1_baseline.py']

model = dict(
    bbox_head=dict(
        anchor_generator=dict(kernel_sizes=[(3, 3), (3, 5), (5, 3)], ratios=None)
    )
)
