# YouTube-VIS 2021: its own layout and 40 categories of its own.
_base_ = ['./youtube_vis_2019.py']

data_root = 'data/youtube_vis_2021/'
train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='train/instances.json')
)
test_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='valid/instances.json')
)
test_evaluator = dict(outfile_prefix='work_dirs/youtube_vis_2021_valid')
