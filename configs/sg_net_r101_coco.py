# Detector and masks of SG-Net R101 on COCO images (section 4.4), for themselves or to
# start from: --cfg-options load_from=<its checkpoint>. No movements: an image has none.
_base_ = [
    './_base_/models/sg_net_r101_fpn.py',
    './_base_/datasets/coco_images_large.py',
    './_base_/schedules/schedule_sg_net_12e.py',
]

train_dataloader = dict(batch_size=8, num_workers=4)

# Sub-regions keep their share of the image: 50 px are for 640x360.
model = dict(
    blender=dict(region_size=104.0),
    bbox_head=dict(num_classes=80, test_cfg=dict(nms_pre=1000, max_per_img=100)),
)
