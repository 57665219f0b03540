# Adam with a learning rate of 0.001, poly of power 0.9, 90k iterations (section IV-A).
# The batch of 32 pairs is 8 GPUs with 4 each.
_base_ = ['../default_runtime.py']

max_iters = 90000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=0.001, betas=(0.9, 0.999), weight_decay=0.0),
)
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=0, end=max_iters),
]
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000))
auto_scale_lr = dict(enable=False, base_batch_size=32)
