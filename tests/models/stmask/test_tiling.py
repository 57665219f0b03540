"""Tiling against slices of padded maps."""

import pytest
import torch
from torch.nn.functional import pad

from mmvis.models.stmask.tiling import TILE, Tiling


@pytest.mark.parametrize('shape', [(3, 5), (8, 16), (9, 23), (1, 1)])
@pytest.mark.parametrize('patch_size', [1, 5, 11])
def test_tiles_windows_and_band(shape, patch_size):
    height, width = shape
    feats = torch.randn(2, 3, *shape)
    tiling = Tiling(shape, patch_size)
    assert torch.equal(tiling.join(tiling.tiles(feats)), feats)
    assert tiling.rows <= TILE and tiling.columns <= TILE

    radius, far = patch_size // 2, 2 * TILE + patch_size
    padded = pad(feats, (radius, far, radius, far))
    high, wide = tiling.window
    expected = torch.stack(
        [
            padded[:, :, y : y + high, x : x + wide].flatten(2)
            for y in range(0, height, tiling.rows)
            for x in range(0, width, tiling.columns)
        ],
        1,
    )
    windows = tiling.windows(feats)
    assert torch.equal(windows, expected.flatten(0, 1))
    assert windows[0, 0].numel() * len(windows) == 2 * tiling.num_window_cells

    values = torch.randn(2, patch_size, patch_size, *shape)
    pairs = tiling.write_band(values)
    assert torch.equal(tiling.read_band(pairs), values)
    # All that is not in the band is zero.
    torch.testing.assert_close(pairs.abs().sum(), values.abs().sum())
