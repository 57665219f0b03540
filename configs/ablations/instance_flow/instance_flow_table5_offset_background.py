# Table V, both offsets count in the background (29.2 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(criterion=dict(background=('intra', 'inter')))
