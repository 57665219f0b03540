# Table VI, semantic score (33.8 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(score='semantic'))
