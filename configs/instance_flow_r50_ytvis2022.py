# InstanceFlow R50 on YouTube-VIS 2022: trained on 2021's train split.
_base_ = ['./instance_flow_r50_ytvis2021.py']

test_dataloader = dict(dataset=dict(data_root='data/youtube_vis_2022/'))
test_evaluator = dict(outfile_prefix='work_dirs/youtube_vis_2022_valid')
