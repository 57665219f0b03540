# InstanceFlow R50 on YouTube-VIS 2019, tested at 640x360 alone: for speed. All that is
# in pixels is half of what it is for 1280x720, areas a quarter.
_base_ = ['./instance_flow_r50.py']

test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = (640, 360)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

model = dict(
    tracker=dict(epsilon=32.0),
    assembly=dict(kernel=21, min_area=4),
    test_cfg=dict(scales=(1.0,)),
)
