# Table III, first frame and four before (32.2 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(num_references=5))
