# Table 3, row 2 (35.0 AP): temporal fusion on P4 with displacements of up to 5 cells.
# Read as FCA and temporal fusion without FCB: with FCB, Table 4 has 36.8.
_base_ = ['../../stmask_r101.py']

model = dict(bbox_head=dict(calibration=None))
