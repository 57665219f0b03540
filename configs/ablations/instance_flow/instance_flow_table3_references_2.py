# Table III, first frame and the one before (28.0 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(num_references=2))
