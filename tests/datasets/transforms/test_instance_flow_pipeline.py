"""InstanceFlow's training pipeline scales, flips and crops both frames alike."""

from pathlib import Path

import numpy as np
from clip_factory import check_frame, make_clip
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.registry import TRANSFORMS

CONFIG = Path(__file__).resolve().parents[3] / 'configs' / 'instance_flow_r50.py'
SMALLER = 8


def test_one_scale_flip_and_window_a_clip():
    init_default_scope('mmvis')
    sample, broadcast, crop, pack = Config.fromfile(CONFIG).train_pipeline
    assert sample.type == 'RefFrameSample' and pack.type == 'PackVISInputs'
    geometry = broadcast.transforms[2:]
    geometry[0].update(
        scales=[
            tuple(side // SMALLER for side in scale) for scale in geometry[0].scales
        ],
        # As masks are resized, so that the clip's own ground truth stays exact.
        interpolation='nearest',
    )
    crop.crop_size = tuple(side // SMALLER for side in crop.crop_size)
    broadcast.transforms = geometry
    transforms = [TRANSFORMS.build(broadcast), TRANSFORMS.build(crop)]
    heights, flips = set(), set()
    for seed in range(25):
        np.random.seed(seed)
        results = make_clip(np.random.default_rng(seed), size=(90, 160))
        for transform in transforms:
            results = transform(results)
        first, second = results['img']
        np.testing.assert_array_equal(first[..., :2], second[..., :2])
        for frame in range(2):
            check_frame(results, frame, tight=False)
        assert max(first.shape[:2]) <= 640 // SMALLER
        heights.add(first.shape[0])
        flips.add(bool(first[0, 0, 0] > first[0, -1, 0]))
    # 45 to 80 px high: the largest scales are cut to the window.
    assert len(heights) >= 4 and max(heights) == 80 and flips == {True, False}
