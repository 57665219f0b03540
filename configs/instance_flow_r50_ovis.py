# InstanceFlow R50 on OVIS.
_base_ = ['./instance_flow_r50.py']

data_root = 'data/ovis/'
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations_train.json',
        data_prefix=dict(img_path='train'),
    )
)
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations_valid.json',
        data_prefix=dict(img_path='valid'),
    )
)
test_evaluator = dict(outfile_prefix='work_dirs/ovis_valid')

model = dict(semantic_head=dict(num_classes=25))
