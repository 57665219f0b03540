# Table V, centres count in the background (32.2 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(criterion=dict(background=('center',)))
