"""Deformable convolutions of a CPU, as weighted sums of rows and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.utils import to_2tuple
from torch import Tensor
from torch.nn.functional import embedding_bag, pad

# Taps go through in parts of about this many bytes, for the caches and the memory.
PART_BYTES = 32 * 2**20


def deformable_convolution(
    features: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    modulation: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Deformable convolution (Dai et al., 2017), modulated if asked for (Zhu et al.).

    It is equal to mmcv's ``deform_conv2d`` and ``modulated_deform_conv2d`` with one
    group, gradients included, but for rounding. mmcv's loops over single numbers are
    slow on a CPU. Here a sample is a weighted sum of four rows, of all the channels of
    a cell (``embedding_bag``), and the kernel a matrix product. Both are linear, so
    their order is free: what comes first has the smaller result.
    ``tools/benchmarks/deformable.py`` measures it beside mmcv's.

    Args:
        features (Tensor): (B, C, H, W).
        offsets (Tensor): (B, 2 * kh * kw, H', W') in cells: y then x of each tap, taps
            row by row. H' and W' are the size of the output.
        weight (Tensor): (O, C, kh, kw).
        bias (Tensor | None): (O,).
        modulation (Tensor | None): (B, kh * kw, H', W'): factors of the samples.
        stride (int | Sequence[int]): Cells between places of the output; or (y, x).
        padding (int | Sequence[int]): Where the first tap of the first place is: so
            many cells above and left of the map; or (y, x).
        dilation (int | Sequence[int]): Cells between taps; or (y, x).

    Returns:
        Tensor: (B, O, H', W'), computed in float32 at least, whatever autocast says;
        float64 if the offsets are. All is zero outside of the map: a sample less than
        one cell away from it fades out. Samples further away, and those at offsets
        that are not a number, are zero and have no gradient.
    """
    dtype = torch.promote_types(offsets.dtype, torch.float32)
    batch, channels = features.shape[:2]
    outputs, places = len(weight), offsets.shape[-2:]
    with torch.autocast(features.device.type, enabled=False):
        rows, shares = _corners(
            offsets.to(dtype),
            *(features.shape[-2:], weight.shape[-2:]),
            *(to_2tuple(stride), to_2tuple(padding), to_2tuple(dilation)),
        )
        if modulation is not None:
            modulation = modulation.to(dtype).flatten(2).mT.flatten(0, 1)
            shares = shares * modulation[:, :, None]
        # A ring of zeros takes what is outside.
        table = pad(features.to(dtype), (1, 1, 1, 1)).permute(0, 2, 3, 1)
        table = table.reshape(-1, channels)
        project_first = len(table) * outputs < len(rows) * channels
        convolve = _project_and_sample if project_first else _sample_and_project
        size = max(len(table) * outputs, 1) if project_first else len(rows) * channels
        step = max(1, PART_BYTES // max(1, size * table.element_size()))
        taps = weight.to(dtype).flatten(2).permute(2, 1, 0)
        out = table.new_zeros(outputs) if bias is None else bias.to(dtype)
        for part in zip(
            rows.split(step, 1), shares.split(step, 1), taps.split(step), strict=True
        ):
            out = out + convolve(table, *part)
    return out.view(batch, *places, outputs).permute(0, 3, 1, 2).contiguous()


def _sample_and_project(
    table: Tensor, rows: Tensor, shares: Tensor, taps: Tensor
) -> Tensor:
    """Some taps' part of the output, the samples taken from the features.

    Args:
        table (Tensor): (cells, C).
        rows (Tensor): (places, taps, 4), of the table.
        shares (Tensor): Of the same shape.
        taps (Tensor): (taps, C, O): matrices of the kernel.

    Returns:
        Tensor: (places, O).
    """
    samples = _weighted_sums(rows.flatten(0, 1), shares.flatten(0, 1), table)
    return samples.view(len(rows), taps[..., 0].numel()) @ taps.flatten(0, 1)


def _project_and_sample(
    table: Tensor, rows: Tensor, shares: Tensor, taps: Tensor
) -> Tensor:
    """As :func:`_sample_and_project`, the samples taken from each tap's product."""
    count, _, outputs = taps.shape
    products = table @ taps.transpose(0, 1).flatten(1)
    tap = torch.arange(count, device=rows.device, dtype=rows.dtype)[:, None]
    rows = (rows * count + tap).flatten(1)
    return _weighted_sums(rows, shares.flatten(1), products.view(-1, outputs))


def _weighted_sums(rows: Tensor, shares: Tensor, table: Tensor) -> Tensor:
    return embedding_bag(rows, table, per_sample_weights=shares, mode='sum')


def _corners(
    offsets: Tensor,
    map_shape: Sequence[int],
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """The four cells that each sample lies between, and their shares of it.

    Returns:
        tuple[Tensor, Tensor]: Both (B * H' * W', taps, 4): int32 numbers of cells of
        maps with a ring of one cell around them, and shares of the offsets' dtype.
    """
    options: dict[str, Any] = dict(dtype=offsets.dtype, device=offsets.device)
    (height, width), places = map_shape, offsets.shape[-2:]
    y, x = offsets.unflatten(1, (*kernel_size, 2)).unbind(3)
    down, right = (
        torch.arange(side, **options) * stride[axis]
        + torch.arange(kernel_size[axis], **options)[:, None] * dilation[axis]
        - padding[axis]
        for axis, side in enumerate(places)
    )
    y, x = y + down[:, None, :, None], x + right[:, None, :]
    # Not a number is not inside either.
    inside = (y > -1) & (y < height) & (x > -1) & (x < width)
    rows, row_shares = _neighbours(y.masked_fill(~inside, height), height)
    columns, column_shares = _neighbours(x.masked_fill(~inside, width), width)
    image = torch.arange(len(offsets), device=offsets.device, dtype=torch.int32)
    rows = rows + image.view(-1, 1, 1, 1, 1, 1) * (height + 2)
    cells = rows.unsqueeze(-1) * (width + 2) + columns.unsqueeze(-2)
    shares = row_shares.unsqueeze(-1) * column_shares.unsqueeze(-2)
    # (B, kh, kw, H', W', 2, 2): taps after places, as the sums want them.
    order = (0, 3, 4, 1, 2, 5, 6)
    size = (len(offsets) * places[0] * places[1], kernel_size[0] * kernel_size[1], 4)
    return cells.permute(order).reshape(size), shares.permute(order).reshape(size)


def _neighbours(samples: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cells before and behind samples of [-1, size], and the shares of both.

    Both have a further axis of 2. Cells are counted from the ring's.
    """
    before = samples.detach().floor()
    share = samples - before
    ringed = before.int() + 1
    return (
        torch.stack([ringed, (ringed + 1).clamp(max=size + 1)], dim=-1),
        torch.stack([1 - share, share], dim=-1),
    )
