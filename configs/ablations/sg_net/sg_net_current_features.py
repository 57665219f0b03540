# Movements from the features of the current frame alone.
_base_ = ['../../sg_net_r50.py']

model = dict(bbox_head=dict(previous_features=False))
