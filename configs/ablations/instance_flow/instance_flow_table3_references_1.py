# Table III, the frame before alone (26.2 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(tracker=dict(num_references=1))
