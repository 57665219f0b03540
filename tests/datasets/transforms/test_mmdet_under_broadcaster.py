"""Which of mmdet's transforms draw once a clip under TransformBroadcaster.

docs/en/transforms.md gives the table that these tests prove.
"""

import numpy as np
import pytest
from clip_factory import check_clip, check_frame, make_clip
from mmengine.registry import init_default_scope

from mmvis.registry import TRANSFORMS


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmvis')


def broadcast(*transforms):
    return TRANSFORMS.build(
        dict(
            type='TransformBroadcaster',
            share_random_params=True,
            transforms=list(transforms),
        )
    )


NEAREST = dict(interpolation='nearest')
FLIP = dict(
    type='RandomFlip',
    prob=[0.3, 0.3, 0.3],
    direction=['horizontal', 'vertical', 'diagonal'],
)
# Masks are resized with the nearest pixel. Where the image is too, both pick the same
# pixels, and the clip's own ground truth stays exact.
SAFE = {
    'Resize': dict(type='Resize', scale=(131, 77), keep_ratio=True, **NEAREST),
    'Resize, ratio free': dict(type='Resize', scale=(50, 80), **NEAREST),
    'RandomResize': dict(
        type='RandomResize', scale=[(60, 40), (150, 110)], keep_ratio=True, **NEAREST
    ),
    'RandomResize, ratio_range': dict(
        type='RandomResize', scale=(96, 72), ratio_range=(0.5, 1.7), **NEAREST
    ),
    'RandomChoiceResize': dict(
        type='RandomChoiceResize',
        scales=[(64, 48), (96, 72), (120, 90)],
        keep_ratio=True,
        **NEAREST,
    ),
    'RandomFlip': FLIP,
    'Expand': dict(type='Expand', mean=(0, 0, 0), ratio_range=(1, 2), prob=0.7),
    'Pad': dict(type='Pad', size=(128, 128)),
    'RandomApply': dict(type='RandomApply', transforms=[FLIP], prob=0.5),
}
RANDOM = set(SAFE) - {'Resize', 'Resize, ratio free', 'Pad'}


@pytest.mark.parametrize('boxes', ['array', 'hbox'])
@pytest.mark.parametrize('name', SAFE)
def test_safe_transforms_warp_all_frames_alike(name, boxes):
    transform = broadcast(SAFE[name])
    seen = set()
    for seed in range(12):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed), frames=3, boxes=boxes)
        results = transform(clip)
        # Resizing may make a thin object's mask vanish and moves a box by a fraction
        # of a pixel against the mask's: the mask is checked exactly, the box to 1 px.
        resized = 'esize' in name
        if not resized:
            check_clip(results)
        for frame in range(3):
            check_frame(results, frame, tight=not resized)
            np.testing.assert_array_equal(
                results['img'][frame][..., :2], results['img'][0][..., :2]
            )
        img = results['img'][0]
        corner = img[img.shape[0] // 3, img.shape[1] // 3]
        seen.add((img.shape, float(corner[0]), float(corner[1])))
    assert (len(seen) > 1) == (name in RANDOM)


def test_photometric_distortion_is_one_draw_a_clip():
    transform = broadcast(dict(type='PhotoMetricDistortion'))
    outcomes = set()
    for seed in range(30):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed))
        clip['img'][1] = clip['img'][0].copy()
        first, second = transform(clip)['img']
        np.testing.assert_array_equal(first, second)
        outcomes.add(float(first.sum()))
    assert len(outcomes) > 20


def test_min_iou_random_crop_is_not_one_draw_a_clip():
    """The reason for ClipRandomCrop.

    Only the mode is drawn once a clip; the window is drawn anew for each frame. And a
    mode that a frame cannot satisfy is read again from the cache for ever: this test
    asks for an IoU of 0, which any window has.
    """
    transform = broadcast(dict(type='MinIoURandomCrop', min_ious=(0.0,)))
    different = cropped = 0
    for seed in range(40):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed), scatter=2)
        first, second = transform(clip)['img']
        if first.shape == second.shape == (72, 96, 3):
            continue
        cropped += 1
        different += first.shape != second.shape or not np.array_equal(
            first[..., :2], second[..., :2]
        )
    assert different == cropped > 10


def test_random_crop_may_lose_the_clip_and_keeps_invisible_objects():
    """The reason for ClipFixedSizeCrop."""
    config = dict(type='RandomCrop', crop_size=(24, 24))
    strict, loose = broadcast(config), broadcast(config | {'allow_negative_crop': True})
    failed = invisible = 0
    for seed in range(40):
        np.random.seed(seed)
        try:
            strict(make_clip(np.random.default_rng(seed), ids=(11, 12)))
        except Exception:
            failed += 1
        np.random.seed(seed)
        results = loose(make_clip(np.random.default_rng(seed)))
        invisible += sum(int((m.areas == 0).sum()) for m in results['gt_masks'])
    assert failed > 5 and invisible > 0


def test_random_affine_refuses_masks():
    """The reason for an affine motion of our own in PseudoClip."""
    with pytest.raises(NotImplementedError):
        broadcast(dict(type='RandomAffine'))(make_clip(np.random.default_rng(0)))


@pytest.mark.parametrize(
    'config',
    [
        dict(type='Rotate', level=10),
        dict(type='ShearX', level=10),
        dict(type='TranslateY', level=10),
        dict(type='RandomChoice', transforms=[[FLIP], [SAFE['Resize']]]),
    ],
    ids=lambda config: config['type'],
)
def test_transforms_that_ask_for_a_draw_twice_raise(config):
    """mmcv forbids a second use of a shared draw within one frame."""
    with pytest.raises(RuntimeError, match='invoked at most once'):
        broadcast(config)(make_clip(np.random.default_rng(0)))
