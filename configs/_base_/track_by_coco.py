# A segmentor of COCO as a video model: what such configs share. Each names the config
# of its detector and the weights that mmdet published.
_base_ = [
    './models/track_by_segmentation.py',
    './datasets/coco_instances.py',
    './schedules/schedule_12e.py',
    './default_runtime.py',
]

# The whole detector is loaded, its backbone with it.
model = dict(detector=dict(backbone=dict(init_cfg=None)))
