# STMask_plus_base: FCA and temporal fusion, no FCB.
_base_ = ['./stmask_official_r101_ada.py']

model = dict(bbox_head=dict(calibration=None))
