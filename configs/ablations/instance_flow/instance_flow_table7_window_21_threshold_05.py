# Table VII, window 21, threshold 0.05 (32.0 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(assembly=dict(kernel=21, threshold=0.05))
