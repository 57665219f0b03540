# Table IV, inter-frame offset-AVG (30.4 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(
    criterion=dict(loss_shape=None),
    tracker=dict(flow=dict(type='InterOffsetAverage')),
)
