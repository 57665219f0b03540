# The mask branch sees its own frame alone.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(
    detector=dict(roi_head=dict(mask_roi_extractor=dict(type='SingleRoIExtractor')))
)
