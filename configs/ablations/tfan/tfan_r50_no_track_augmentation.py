# The track branch compares objects by the looks of their own frames alone.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(track_head=dict(roi_extractor=dict(type='SingleRoIExtractor')))
