# STMask_plus_resnet50: FCA and temporal fusion, no FCB.
_base_ = ['./stmask_official_r50_ada.py']

model = dict(bbox_head=dict(calibration=None))
