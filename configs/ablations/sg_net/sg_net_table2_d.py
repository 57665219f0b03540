# Table 2, d (36.1 AP): all but eq. 5; boxes by FCOS's IoU loss.
_base_ = ['../../sg_net_r101.py']

model = dict(
    bbox_head=dict(loss_bbox=dict(_delete_=True, type='mmdet.IoULoss', loss_weight=1.0))
)
