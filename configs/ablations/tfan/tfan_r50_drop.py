# Of several detections that are best matched with one track all but one are dropped.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(tracker=dict(conflict='drop'))
