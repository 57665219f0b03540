# SGD of momentum 0.9, learning rate 0.005 with exponential decay (section 4.1). The
# paper gives neither epochs, batch size nor rate of decay: 12 epochs of 8 clips with
# the warm-up of its released code, down to a fiftieth at the end.
_base_ = ['../default_runtime.py']

max_epochs = 12
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 80, by_epoch=False, begin=0, end=1000),
    dict(
        type='ExponentialLR',
        gamma=0.72,
        by_epoch=True,
        begin=0,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)
