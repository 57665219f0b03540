"""Masks that are scaled as run lengths are those that mmdet scales as pixels."""

import copy
import pickle

import numpy as np
import pytest
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.datasets.transforms.run_length_masks import RunLengthMasks

SIZES = [(1, 1), (1, 7), (7, 1), (9, 14), (36, 64), (45, 80)]


def both_of(size, number=4, seed=0):
    """Random masks, an empty and a full one, as run lengths and as mmdet has them."""
    rng = np.random.default_rng(seed)
    shares = [0.0, 1.0, *rng.random(number)][:number]
    masks = np.array([rng.random(size) < share for share in shares], bool)
    masks = masks.reshape(number, *size)
    runs = [run_lengths(mask.T.ravel()) for mask in masks]
    return RunLengthMasks(runs, *size), BitmapMasks(masks.astype(np.uint8), *size)


def run_lengths(pixels):
    """Of a row of pixels, background first."""
    ends = [*np.flatnonzero(np.diff(pixels)) + 1, pixels.size]
    return np.diff([0] * (1 + bool(pixels[0])) + ends)


def same(one, other) -> None:
    assert (one.height, one.width) == (other.height, other.width)
    assert len(one) == len(other)
    assert one.masks.dtype == other.masks.dtype == np.uint8
    np.testing.assert_array_equal(one.masks, other.masks)


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('target', [*SIZES, (18, 32), (20, 63)])
def test_every_size_down_and_up(size, target):
    lazy, plain = both_of(size)
    same(lazy.resize(target), plain.resize(target))
    # And from there on to another one.
    half = tuple(-(-side // 2) for side in target)
    same(lazy.resize(target).resize(half), plain.resize(target).resize(half))


@pytest.mark.parametrize('scale', [(64, 36), (36, 64), (50, 20), 0.5, 1.7])
def test_scaling_flipping_and_picking(scale):
    lazy, plain = both_of((72, 130))
    small, expected = lazy.rescale(scale), plain.rescale(scale)
    same(small, expected)
    for direction in ('horizontal', 'vertical', 'diagonal'):
        same(small.flip(direction), expected.flip(direction))
    rows = np.array([3, 0])
    same(small[rows], expected[rows])
    same(small[rows[:0]], expected[rows[:0]])
    np.testing.assert_array_equal(small.areas, expected.areas)
    same(lazy.rescale(scale, 'bilinear'), plain.rescale(scale, 'bilinear'))


def test_of_no_mask():
    lazy, plain = both_of((9, 14), number=0)
    same(lazy, plain)
    same(lazy.rescale((7, 7)).flip(), plain.rescale((7, 7)).flip())


def test_what_was_written_to_stays():
    lazy, plain = both_of((8, 12))
    for masks in (lazy, plain):
        masks.masks[0, 2:5, 3:9] = 1
    same(lazy.resize((4, 6)), plain.resize((4, 6)))


def test_what_leaves_the_pipeline_is_mmdets():
    lazy, plain = both_of((8, 12))
    for other in (pickle.loads(pickle.dumps(lazy)), copy.deepcopy(lazy), lazy[:]):
        assert type(other) is BitmapMasks
        same(other, plain)
    data = InstanceData.cat([InstanceData(masks=lazy), InstanceData(masks=lazy)])
    same(data.masks, BitmapMasks.cat([plain, plain]))
