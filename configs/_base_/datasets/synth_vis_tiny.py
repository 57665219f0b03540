# SynthVIS, preset tiny (96x160). Make it first:
#   python tools/dataset_tools/synth_vis.py --out data/synth_vis/tiny --preset tiny
dataset_type = 'YouTubeVISDataset'
data_root = 'data/synth_vis/tiny/'
# Twice the frame: at stride 4, stripes of 2 px would be lost.
image_scale = (320, 192)

train_pipeline = [
    dict(type='RefFrameSample', frame_range=5),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadVISFrame'),
            dict(type='LoadVISAnnotations', with_mask=True),
            dict(type='Resize', scale=image_scale, keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackVISInputs'),
]
test_pipeline = [
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadVISFrame'),
            dict(type='Resize', scale=image_scale, keep_ratio=True),
        ],
    ),
    dict(type='PackVISInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteKeyFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train/instances.json',
        data_prefix=dict(img_path='train/JPEGImages'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', clip_length=8),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='valid/instances.json',
        data_prefix=dict(img_path='valid/JPEGImages'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
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
test_cfg = dict(type='TestLoop')
