"""Maps of several scales: sizes, units and means."""

import pytest
import torch

from mmvis.models.instance_flow.multi_scale import (
    in_input_pixels,
    mean_of_scales,
    scale_frames,
)


@pytest.mark.parametrize(
    ('scale', 'sides'),
    [(0.5, (32, 64)), (0.75, (48, 96)), (0.6, (32, 80)), (1.0, (64, 128))],
)
def test_sides_can_be_divided_by_all_strides(scale, sides):
    frames = torch.full((2, 3, 64, 128), 2.5)
    scaled = scale_frames(frames, scale)
    assert scaled.shape[-2:] == sides
    torch.testing.assert_close(scaled, torch.full_like(scaled, 2.5))
    assert min(scale_frames(frames, 0.01).shape) > 0


def test_half_a_frame_has_no_aliasing():
    """Stripes of one pixel are grey in a frame of half the size."""
    frames = torch.zeros(1, 1, 64, 64)
    frames[..., ::2] = 1.0
    middle = scale_frames(frames, 0.5)[..., 4:-4]
    assert (middle - 0.5).abs().max() < 0.1


def test_each_axis_has_its_own_ratio():
    offsets = torch.ones(1, 2, 6, 8)
    found = in_input_pixels(offsets, (12, 32))
    assert found[0, 0].unique().tolist() == [4.0]
    assert found[0, 1].unique().tolist() == [2.0]


def test_mean_of_maps_of_a_plane():
    """Bilinear interpolation keeps a plane, but for half a pixel at the border."""
    size, maps = (12, 16), []
    for factor in (1, 2):
        rows, columns = (side // factor for side in size)
        x = (torch.arange(columns) + 0.5) * factor
        y = (torch.arange(rows) + 0.5) * factor
        maps.append((x + 3 * y[:, None])[None, None] * factor)
    mean = mean_of_scales(maps, size)
    expected = maps[0] * 1.5
    torch.testing.assert_close(mean[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert mean_of_scales(maps[:1], size) is maps[0]
