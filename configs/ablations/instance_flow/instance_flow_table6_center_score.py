# Table VI, center score (33.5 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(score='center'))
