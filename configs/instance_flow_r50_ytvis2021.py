# InstanceFlow R50 on YouTube-VIS 2021.
_base_ = ['./instance_flow_r50.py']

data_root = 'data/youtube_vis_2021/'
train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='train/instances.json')
)
test_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='valid/instances.json')
)
test_evaluator = dict(outfile_prefix='work_dirs/youtube_vis_2021_valid')
