# Matching without the IoU of masks, as MaskTrack R-CNN does (section 2.3).
_base_ = ['../../tfan_r50_holdout.py']

model = dict(tracker=dict(match_weights=dict(mask_iou=0.0)))
