# Clips of annotated videos: a key frame and a reference frame to train on, chunks of
# frames to test on. Which videos, and their size, say the files that start from it.
dataset_type = 'YouTubeVISDataset'
image_scale = (640, 360)

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
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='KeyFrameSampler'),
    dataset=dict(
        type=dataset_type,
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
        data_prefix=dict(img_path='valid/JPEGImages'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_cfg = dict(type='TestLoop')
