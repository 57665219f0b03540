import sys

default_scope = 'mmvis'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='VISVisualizationHook', draw=False),
)
custom_hooks = [dict(type='NonFiniteLossHook'), dict(type='NumClassCheckHook')]

# Forked data workers start at once and share the data set. They miss the threads of
# their parent, which torch and OpenCV allow for on Linux; macOS's libraries do not.
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(
        mp_start_method='fork' if sys.platform == 'linux' else 'spawn',
        opencv_num_threads=0,
    ),
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='TrackLocalVisualizer', vis_backends=vis_backends)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
