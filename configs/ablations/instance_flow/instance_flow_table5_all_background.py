# Table V, centres and offsets count in the background (28.1 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(criterion=dict(background=('center', 'intra', 'inter')))
