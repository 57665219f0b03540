# Table IV, inter-frame offset-IoU (26.0 mAP): one reference frame; the distance is
# 1 - IoU, of which every overlap is taken.
_base_ = ['../../instance_flow_r50.py']

model = dict(
    criterion=dict(loss_shape=None),
    tracker=dict(num_references=1, epsilon=1.0, flow=dict(type='InterOffsetIoU')),
)
