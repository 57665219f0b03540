# Mask2Former R50, trained on COCO for 50 epochs: 42.9 mask AP there, by mmdet.
_base_ = ['../_base_/track_by_coco.py']

model = dict(
    detector=dict(
        config='mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
    ),
)
load_from = (
    'https://download.openmmlab.com/mmdetection/v3.0/mask2former/'
    'mask2former_r50_8xb2-lsj-50e_coco/'
    'mask2former_r50_8xb2-lsj-50e_coco_20220506_191028-41b088b6.pth'
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.00001, weight_decay=0.05)
)
