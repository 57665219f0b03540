# Table IV, offset residual without the shape loss (32.6 mAP).
_base_ = ['../../instance_flow_r50.py']

model = dict(criterion=dict(loss_shape=None))
