# InstanceFlow R50 on YouTube-VIS 2019 (section IV-A), tested at three scales. It starts
# from the pre-training of instance_flow_r50_coco.py:
#   --cfg-options load_from=work_dirs/instance_flow_r50_coco/iter_180000.pth
_base_ = [
    './_base_/models/instance_flow_r50_os16.py',
    './_base_/datasets/youtube_vis_2019.py',
    './_base_/schedules/schedule_instance_flow_90k.py',
]

# 0.5 to 1.0 of 1280x720, the size of most videos.
scales = [(640, 360), (768, 432), (896, 504), (1024, 576), (1152, 648), (1280, 720)]
crop_size = (640, 640)

train_pipeline = [
    # The reference frame may be any frame of the video.
    dict(type='RefFrameSample', frame_range=None),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadVISFrame', backend_args=_base_.backend_args),
            dict(type='LoadVISAnnotations', with_mask=True),
            dict(type='RandomChoiceResize', scales=scales, keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='ClipFixedSizeCrop', crop_size=crop_size),
    dict(type='PackVISInputs'),
]
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = scales[-1]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='InfiniteKeyFrameSampler'),
    dataset=dict(pipeline=train_pipeline),
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

model = dict(test_cfg=dict(scales=(0.5, 0.75, 1.0)))
