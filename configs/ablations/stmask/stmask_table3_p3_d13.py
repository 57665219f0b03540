# Table 3, row 1 (33.8 AP): temporal fusion on P3, displacements of up to 6 cells.
_base_ = ['./stmask_table3_p4_d11.py']

model = dict(temporal_net=dict(level=0, patch_size=13))
