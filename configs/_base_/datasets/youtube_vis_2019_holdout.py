# The train split of YouTube-VIS 2019 in two, since the public valid split has no
# annotations: 1,902 videos to train on and 336 to validate on. Make it first:
#   python tools/dataset_tools/split.py data/youtube_vis_2019/train.json \
#       --parts holdout_train=1902 holdout_valid=336
_base_ = ['./youtube_vis_2019.py']

train_dataloader = dict(dataset=dict(ann_file='holdout_train.json'))
val_dataloader = _base_.test_dataloader
val_dataloader.dataset.update(
    ann_file='holdout_valid.json', data_prefix=dict(img_path='train/JPEGImages')
)
test_dataloader = val_dataloader
val_evaluator = dict(type='YouTubeVISMetric')
test_evaluator = dict(_delete_=True, type='YouTubeVISMetric')
val_cfg = dict(type='ValLoop')
