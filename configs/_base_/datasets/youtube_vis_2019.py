# YouTube-VIS 2019. The public valid split has no annotations: mim test on it writes a
# submission; for an AP, point test_dataloader at a split that has them.
_base_ = ['./video_clips.py']

data_root = 'data/youtube_vis_2019/'
backend_args = None

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[0].backend_args = backend_args
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[0].backend_args = backend_args

train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='train.json', pipeline=train_pipeline)
)
test_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='valid.json', pipeline=test_pipeline)
)
test_evaluator = dict(
    type='YouTubeVISMetric',
    format_only=True,
    outfile_prefix='work_dirs/youtube_vis_2019_valid',
)
