"""Local correlation of two feature maps: how alike the places near each other are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from .tiling import Tiling

# Above this many bytes of copied windows, a batch goes through in parts.
WINDOW_BYTES = 64 * 2**20


def local_correlation(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
    """Dot products of each place with the places around it in another map.

    ``out[b, i, j, y, x] = sum_c first[b, c, y, x] second[b, c, y + i - R, x + j - R]``
    with ``R = patch_size // 2``, and zero outside of the map: the x_corr of STMask
    (section 3.2), with d for ``patch_size``. It is not divided by the channels. On CUDA
    mmcv's ``Correlation`` computes it where mmcv has that op; tiles of matrix products
    do elsewhere (:class:`TiledCorrelation`).

    Args:
        first (Tensor): (B, C, H, W), of any floating dtype.
        second (Tensor): Of the same shape.
        patch_size (int): Side of the square of displacements, in cells; odd.

    Returns:
        Tensor: (B, patch_size, patch_size, H, W): vertical displacements, horizontal
        ones. Sums are taken in float32 at least. The dtype is the inputs', but float32
        under autocast, since sums over hundreds of channels may not fit float16.

    Raises:
        ValueError: If ``patch_size`` is even or the shapes differ.
    """
    if patch_size < 1 or patch_size % 2 == 0:
        raise ValueError(f'patch_size must be odd and positive, but is {patch_size}.')
    if first.ndim != 4 or first.shape != second.shape:
        raise ValueError(
            'Correlation needs two maps (B, C, H, W) of equal shape, but has '
            f'{tuple(first.shape)} and {tuple(second.shape)}.'
        )
    dtype = torch.promote_types(first.dtype, second.dtype)
    exact = torch.promote_types(dtype, torch.float32)
    with torch.autocast(first.device.type, enabled=False):
        correlate = mmcv_correlation() if first.is_cuda else None
        correlate = correlate or TiledCorrelation.apply
        correlation = correlate(first.to(exact), second.to(exact), patch_size)
    return correlation if _in_autocast(first.device) else correlation.to(dtype)


class TiledCorrelation(torch.autograd.Function):
    """Correlation by one batched matrix product, for any device.

    A tile of the first map meets all that is near it in the second one: a window that
    is wider than the tile by the patch. One product of both has each pair that is
    asked for, and some that are not. They form a slanted band in memory, which a
    strided view reads. Smaller tiles would copy more windows, larger ones multiply
    more pairs in vain; the product of the whole maps is the largest tile of all.
    """

    @staticmethod
    def forward(ctx, first: Tensor, second: Tensor, patch_size: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.patch_size = patch_size
        tiling = Tiling(first.shape[-2:], patch_size)
        out = first.new_empty(len(first), patch_size, patch_size, *first.shape[-2:])
        for part in _parts(tiling, second):
            products = tiling.tiles(first[part]).mT @ tiling.windows(second[part])
            out[part] = tiling.read_band(products)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        first, second = ctx.saved_tensors
        of_first = of_second = None
        with torch.autocast(grad.device.type, enabled=False):
            if ctx.needs_input_grad[0]:
                of_first = _weighted_sum(grad, second, ctx.patch_size)
            if ctx.needs_input_grad[1]:
                of_second = _weighted_sum(
                    _seen_from_second(grad), first, ctx.patch_size
                )
        return of_first, of_second, None


def _weighted_sum(weights: Tensor, feats: Tensor, patch_size: int) -> Tensor:
    """Sum of the features around each place, times the place's weights.

    Args:
        weights (Tensor): (B, patch_size, patch_size, H, W), as a correlation.
        feats (Tensor): (B, C, H, W).
        patch_size (int): Side of the square of displacements, in cells.

    Returns:
        Tensor: (B, C, H, W).
    """
    tiling = Tiling(feats.shape[-2:], patch_size)
    out = torch.empty_like(feats)
    for part in _parts(tiling, feats):
        band = tiling.write_band(weights[part])
        out[part] = tiling.join(tiling.windows(feats[part]) @ band.mT)
    return out


def _seen_from_second(weights: Tensor) -> Tensor:
    """The weights of the same pairs, in order of their place in the second map.

    Args:
        weights (Tensor): (B, P, P, H, W): ``weights[b, i, j, y, x]`` is of the places
            (y, x) and (y + i - R, x + j - R).

    Returns:
        Tensor: Of the same shape, a view of a padded copy.
    """
    radius = weights.shape[1] // 2
    padded = pad(weights.flip(1, 2), (radius,) * 4)
    batch, down, right, row, column = padded.stride()
    return padded.as_strided(
        weights.shape, (batch, down + row, right + column, row, column)
    )


def _parts(tiling: Tiling, feats: Tensor) -> list[slice]:
    """Slices of the batch whose windows stay under the limit of memory."""
    size = feats.shape[1] * tiling.num_window_cells * feats.element_size()
    step = max(1, WINDOW_BYTES // max(size, 1))
    return [slice(at, at + step) for at in range(0, len(feats), step)]


@cache
def mmcv_correlation() -> Callable[[Tensor, Tensor, int], Tensor] | None:
    """mmcv's op, or None where mmcv was built without it or without CUDA."""
    try:
        from mmcv.ops import Correlation, get_compiling_cuda_version

        compiled = get_compiling_cuda_version() != 'not available'
    except (ImportError, AttributeError, AssertionError, OSError, RuntimeError):
        return None
    if not compiled:
        return None

    def correlate(first: Tensor, second: Tensor, patch_size: int) -> Tensor:
        # Its max_displacement is the radius; the defaults are kernel 1, stride 1.
        op = Correlation(max_displacement=patch_size // 2)
        return op(first.contiguous(), second.contiguous())

    return correlate


def _in_autocast(device: torch.device) -> bool:
    try:
        return torch.is_autocast_enabled(device.type)
    except TypeError:  # torch before 2.4
        if device.type == 'cpu':
            return torch.is_autocast_cpu_enabled()
        return torch.is_autocast_enabled()
