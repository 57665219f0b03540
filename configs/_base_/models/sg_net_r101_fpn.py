# SG-Net with ResNet-101.
_base_ = ['./sg_net_r50_fpn.py']

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='open-mmlab://detectron2/resnet101_caffe'),
    )
)
