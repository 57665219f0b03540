# Table III, first frame and two before (33.4 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(num_references=3))
