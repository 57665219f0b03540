# Table VII, window 41, threshold 0.05 (32.1 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(assembly=dict(threshold=0.05))
