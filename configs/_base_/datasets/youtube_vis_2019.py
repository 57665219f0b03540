# YouTube-VIS 2019. The public valid split has no annotations: mim test on it writes a
# submission; for an AP, point test_dataloader at a split that has them.
dataset_type = 'YouTubeVISDataset'
data_root = 'data/youtube_vis_2019/'
backend_args = None
image_scale = (640, 360)

train_pipeline = [
    dict(type='RefFrameSample', frame_range=5),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadVISFrame', backend_args=backend_args),
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
            dict(type='LoadVISFrame', backend_args=backend_args),
            dict(type='Resize', scale=image_scale, keep_ratio=True),
        ],
    ),
    dict(type='PackVISInputs'),
]

train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='KeyFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img_path='train/JPEGImages'),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', clip_length=8),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='valid.json',
        data_prefix=dict(img_path='valid/JPEGImages'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(
    type='YouTubeVISMetric',
    format_only=True,
    outfile_prefix='work_dirs/youtube_vis_2019_valid',
)
test_cfg = dict(type='TestLoop')
