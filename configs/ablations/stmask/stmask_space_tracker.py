# Not in the paper: tracks by SpaceTracker, which moves nothing on by itself and takes
# nothing that temporal fusion moves. Weights are those of configs/stmask_r101.py.
_base_ = ['../../stmask_r101.py']

model = dict(
    tracker=dict(_delete_=True, type='SpaceTracker'),
    test_cfg=dict(temporal_fusion=False),
)
