# YouTube-VIS 2022: trained on 2021's train split, tested on videos with long ones.
_base_ = ['./youtube_vis_2021.py']

data_root_2022 = 'data/youtube_vis_2022/'
test_dataloader = dict(dataset=dict(data_root=data_root_2022))
test_evaluator = dict(outfile_prefix='work_dirs/youtube_vis_2022_valid')
