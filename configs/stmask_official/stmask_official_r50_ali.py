# STMask_plus_resnet50_ali: the class branch sees aligned features.
_base_ = ['./stmask_official_r50_ada.py']

model = dict(bbox_head=dict(calibration=dict(offset=dict(type='AlignedOffset'))))
