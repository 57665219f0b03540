# Table VII, window 21, threshold 0.15 (33.9 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(assembly=dict(kernel=21))
