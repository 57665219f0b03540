# COCO images as videos of one frame, for frame networks without a track. Make the files
# first, for train2017 and val2017:
#   python tools/dataset_tools/coco_images.py \
#       data/coco/annotations/instances_train2017.json \
#       --out data/coco/annotations/frames_train2017.json
_base_ = ['./youtube_vis_2019.py']

data_root = 'data/coco/'
image_scale = (550, 550)

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_pipeline[1].transforms[2].update(scale=image_scale, keep_ratio=False)
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].update(scale=image_scale, keep_ratio=False)

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/frames_train2017.json',
        data_prefix=dict(img_path='train2017'),
        pipeline=train_pipeline,
    )
)
test_dataloader = dict(
    sampler=dict(clip_length=1),
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/frames_val2017.json',
        data_prefix=dict(img_path='val2017'),
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(format_only=False, outfile_prefix='work_dirs/coco_val')
