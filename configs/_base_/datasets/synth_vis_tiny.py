# SynthVIS, preset tiny (96x160). Make it first:
#   python tools/dataset_tools/synth_vis.py --out data/synth_vis/tiny --preset tiny
_base_ = ['./video_clips.py']

data_root = 'data/synth_vis/tiny/'
# Twice the frame: at stride 4, stripes of 2 px would be lost.
image_scale = (320, 192)

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = image_scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = image_scale

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    sampler=dict(type='InfiniteKeyFrameSampler'),
    dataset=dict(
        data_root=data_root, ann_file='train/instances.json', pipeline=train_pipeline
    ),
)
val_dataloader = _base_.test_dataloader
val_dataloader.num_workers = 1
val_dataloader.dataset.update(
    data_root=data_root, ann_file='valid/instances.json', pipeline=test_pipeline
)
test_dataloader = val_dataloader

# Small objects by COCO's pixels do not exist in frames of this size: the ranges are
# shares of the frame area, as docs/en/synth_vis.md defines them.
val_evaluator = dict(
    type='YouTubeVISMetric',
    area_ranges=dict(s=(0, 0.0125), m=(0.0125, 0.03), l=(0.03, 1)),
    area_unit='frame',
)
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
