# Mask2Former Swin-S, trained on COCO for 50 epochs: 46.1 mask AP there, by mmdet.
_base_ = ['./track_by_mask2former_r50_queries.py']

model = dict(
    detector=dict(
        config='mmdet::mask2former/mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco.py',
    ),
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v3.0/mask2former/'
    'mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco/'
    'mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco_20220504_001756-c9d0c4f2.pth'
)
