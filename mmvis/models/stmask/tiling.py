"""Tiles of a map, windows around them, and the band of pairs that are near."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import pad

# Cells on each side of a tile, the fastest of those measured for patches of 11 and 13.
TILE = 8


class Tiling:
    """Cuts maps into T tiles of t cells, and into windows of w cells around them.

    Tiles lie side by side; windows reach over them by half a patch on every side.
    Everything outside of a map is zero.

    Args:
        map_shape (Sequence[int]): Height and width of the maps, in cells.
        patch_size (int): Side of the square of displacements, in cells; odd.
    """

    def __init__(self, map_shape: Sequence[int], patch_size: int) -> None:
        self.height, self.width = map_shape
        self.patch_size = patch_size
        self.rows = max(1, min(TILE, self.height))
        self.columns = max(1, min(TILE, self.width))
        self.down = -(-self.height // self.rows)
        self.across = -(-self.width // self.columns)
        self.window = (self.rows + patch_size - 1, self.columns + patch_size - 1)
        # Cells that are missing to whole tiles.
        self.below = self.down * self.rows - self.height
        self.right = self.across * self.columns - self.width

    @property
    def num_window_cells(self) -> int:
        """Cells of all the windows of a map."""
        return self.down * self.across * self.window[0] * self.window[1]

    def tiles(self, feats: Tensor) -> Tensor:
        """Tiles (B * T, C, t) of maps (B, C, H, W)."""
        feats = pad(feats, (0, self.right, 0, self.below))
        feats = feats.unflatten(3, (self.across, self.columns))
        feats = feats.unflatten(2, (self.down, self.rows))
        return feats.permute(0, 2, 4, 1, 3, 5).flatten(4).flatten(0, 2)

    def join(self, tiles: Tensor) -> Tensor:
        """Maps (B, C, H, W) of tiles (B * T, C, t): the reverse of :meth:`tiles`."""
        tiles = tiles.unflatten(2, (self.rows, self.columns))
        tiles = tiles.unflatten(0, (-1, self.down, self.across))
        maps = tiles.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
        return maps[:, :, : self.height, : self.width]

    def windows(self, feats: Tensor) -> Tensor:
        """Windows (B * T, C, w) of maps (B, C, H, W)."""
        radius = self.patch_size // 2
        feats = pad(feats, (radius, radius + self.right, radius, radius + self.below))
        windows = feats.unfold(2, self.window[0], self.rows)
        windows = windows.unfold(3, self.window[1], self.columns)
        return windows.permute(0, 2, 3, 1, 4, 5).flatten(4).flatten(0, 2)

    def read_band(self, pairs: Tensor) -> Tensor:
        """(B, P, P, H, W), each place with those around it, of all (B * T, t, w)."""
        band = self._band(pairs).flatten(5).flatten(3, 4)
        return band[..., : self.height, : self.width]

    def write_band(self, values: Tensor) -> Tensor:
        """(B * T, t, w), zero but for the band, of values (B, P, P, H, W)."""
        values = pad(values, (0, self.right, 0, self.below))
        values = values.unflatten(4, (self.across, self.columns))
        values = values.unflatten(3, (self.down, self.rows))
        count = len(values) * self.down * self.across
        cells = self.window[0] * self.window[1]
        pairs = values.new_zeros(count, self.rows * self.columns, cells)
        self._band(pairs).copy_(values)
        return pairs

    def _band(self, pairs: Tensor) -> Tensor:
        """A view (B, P, P, tiles down, rows, tiles across, columns) of all pairs.

        One step to the right inside the tile is one more row of the matrix, and the
        same place in the patch is one column further; likewise downwards.
        """
        pairs = pairs.contiguous()
        tile, cell, _ = pairs.stride()
        width = self.window[1]
        batch = len(pairs) // max(1, self.down * self.across)
        shape = (self.down, self.rows, self.across, self.columns)
        return pairs.as_strided(
            (batch, self.patch_size, self.patch_size, *shape),
            (
                self.down * self.across * tile,
                width,
                1,
                self.across * tile,
                self.columns * cell + width,
                tile,
                cell + 1,
            ),
        )
