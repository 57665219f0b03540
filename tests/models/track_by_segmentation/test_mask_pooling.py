"""Features averaged inside masks, against sums over pixels."""

import pytest
import torch

from mmvis.models.track_by_segmentation import mask_pooling
from mmvis.models.track_by_segmentation.mask_pooling import pool_in_masks, shrink_masks


def random_case(size=(12, 20), count=6):
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(count, *size, generator=generator) > 0.6
    return torch.randn(5, 6, 10, generator=generator), masks


@pytest.mark.parametrize('centred', [False, True])
def test_equals_the_mean_over_the_masks_pixels(centred):
    features, masks = random_case()
    # At the size of the masks each pixel has the feature of its cell.
    pixels = features.repeat_interleave(2, 1).repeat_interleave(2, 2)
    wanted = torch.stack([pixels[:, mask].mean(1) for mask in masks])
    if centred:
        wanted -= pixels.flatten(1).mean(1)
    pooled = pool_in_masks(features[None], masks, [len(masks)], centred)
    torch.testing.assert_close(pooled, wanted)


def test_a_mask_of_one_pixel_has_the_feature_of_its_cell():
    features, masks = random_case((96, 160), 1)
    masks[:] = False
    masks[0, 50, 100] = True
    pooled = pool_in_masks(features[None], shrink_masks(masks, (24, 40)), [len(masks)])
    torch.testing.assert_close(pooled[0], features[:, 3, 6])


def test_shares_of_a_grid_that_does_not_divide_the_frame():
    _, masks = random_case((37, 53))
    grid = shrink_masks(masks, (9, 14))
    assert ((grid >= 0) & (grid <= 1)).all()
    assert (grid.mean((1, 2)) - masks.float().mean((1, 2))).abs().max() < 0.02


def test_nothing_to_pool():
    features, masks = random_case()
    assert shrink_masks(masks[:0], (3, 4)).shape == (0, 3, 4)
    assert pool_in_masks(features[None], masks[:0], [0]).shape == (0, 5)
    empty = pool_in_masks(
        features[None], torch.zeros_like(masks), [len(masks)], centred=True
    )
    assert torch.equal(empty, torch.zeros(6, 5))


def test_half_precision_counts_all_pixels():
    """float16 ends at 65504, and counts no further than 2048."""
    features = torch.full((3, 300, 300), 2.0)
    masks = torch.ones(1, 300, 300, dtype=torch.bool)
    with torch.autocast('cpu', torch.bfloat16):
        pooled = pool_in_masks(features[None].half(), masks, [len(masks)])
    torch.testing.assert_close(pooled, torch.full((1, 3), 2.0))


@pytest.mark.parametrize('pixels', [1, 100, 2**24])
def test_masks_are_shrunk_in_parts(pixels, monkeypatch):
    """However many go at once; none at all are fine, too."""
    monkeypatch.setattr(mask_pooling, '_PIXELS_AT_ONCE', pixels)
    masks = torch.rand(7, 6, 9, generator=torch.Generator().manual_seed(0)) > 0.5
    found = shrink_masks(masks, (2, 3))
    wanted = masks.float().view(7, 2, 3, 3, 3).mean((2, 4))
    torch.testing.assert_close(found, wanted)
    assert shrink_masks(masks[:0], (2, 3)).shape == (0, 2, 3)


def test_frames_do_not_mix():
    generator = torch.Generator().manual_seed(4)
    features = torch.randn(3, 5, 12, 20, generator=generator)
    masks = torch.rand(6, 24, 40, generator=generator) > 0.5
    pooled = pool_in_masks(features, masks, [1, 0, 5], centred=True)
    for part, rows in ((0, slice(0, 1)), (2, slice(1, 6))):
        own = masks[rows]
        alone = pool_in_masks(features[part][None], own, [len(own)], centred=True)
        torch.testing.assert_close(pooled[rows], alone)


def test_a_mask_of_the_whole_frame_has_no_looks():
    torch.manual_seed(0)
    masks = torch.ones(2, 48, 80, dtype=torch.bool)
    masks[1, 0, 0] = False
    for scale in (0.01, 1.0, 100.0):
        features = scale * torch.rand(1, 16, 13, 21)  # cells share pixels
        whole, nearly = pool_in_masks(features, masks, [2], centred=True)
        assert (whole == 0).all() and nearly.norm() > 1e-6 * scale
        whole, _ = pool_in_masks(features, masks, [2])
        torch.testing.assert_close(whole, features.mean((0, 2, 3)))
