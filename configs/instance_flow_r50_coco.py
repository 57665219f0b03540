# Pre-training of InstanceFlow R50 on the COCO categories that YouTube-VIS 2019 has as
# well: backbone, semantic and intra-frame branches, on single images, 180k iterations
# (section IV-A). It is tested on videos, each frame's instances being new ones.
_base_ = ['./instance_flow_r50.py']

data_root = 'data/coco/'
max_iters = 180000

train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='BaseFrameSample')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CocoPseudoVideoDataset',
        overlap='ytvis_2019',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=train_pipeline,
    )
)
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters

model = dict(inter_frame_head=None)
