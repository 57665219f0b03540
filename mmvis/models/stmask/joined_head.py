"""STMask's head on all levels at once: a fifth of the kernels, for a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .anchor_convolution import convolve_together
from .level_canvas import LevelCanvas

if TYPE_CHECKING:
    from .head import STMaskHead


def can_join(head: STMaskHead) -> bool:
    """Whether no layer looks at more of a level than its kernel covers.

    Norm layers may, and layers of a user's own need not have ``on_canvas``.
    """
    if head.training:
        return False
    layers = [layer for branch in _predictors(head) for layer in branch]
    norms = [
        module.norm
        for module in head.modules()
        if isinstance(module, ConvModule) and module.with_norm
    ]
    return all(hasattr(layer, 'on_canvas') for layer in layers) and all(
        isinstance(norm, _BatchNorm) and not norm.training for norm in norms
    )


def _predictors(head: STMaskHead) -> list[nn.ModuleList]:
    names = ('reg', 'centerness', 'cls', 'coeff', 'embed')
    branches = [getattr(head, f'{name}_preds') for name in names]
    return [branch for branch in branches if branch is not None]


def reach_of(kernels: Sequence[tuple[int, int]]) -> int:
    """Cells that kernels of these sizes, and those of towers, reach to any side."""
    return max(1, *(side // 2 for kernel in kernels for side in kernel))


def predict_on_canvas(
    head: STMaskHead, levels: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """What the head's convolutions give for all levels.

    Args:
        head (STMaskHead): That :func:`can_join`.
        levels (Sequence[Tensor]): (B, C, H_l, W_l).

    Returns:
        tuple: Regressions (B, N, 4), logits (B, N, C + 1), centerness (B, N, 1),
        coefficients (B, N, K) and embeddings (B, N, D) as the layers give them; and the
        levels (B, C', H_l, W_l) of shared features.
    """
    canvas = head.canvases.of(levels)
    shared = canvas.clear(head.shared_conv(canvas.join(levels)))

    def tower(name: str) -> Tensor:
        feats = shared
        for conv in getattr(head, f'{name}_tower'):
            feats = canvas.clear(conv(feats))
        return feats

    groups = _groups(head.anchor_generator.kernels)
    deltas, centerness = _boxes(head, tower('reg'), groups)
    # Boxes are trained by their own loss only, not through the offsets.
    regressions = [part.detach() for part in deltas]

    def predict(name: str) -> Tensor:
        feats, layers = tower(name), list(getattr(head, f'{name}_preds'))
        parts = [
            layers[group][0].on_canvas(
                layers[group], feats, part, canvas, head.joined_parameters
            )
            for group, part in zip(groups, regressions, strict=True)
        ]
        return torch.cat(parts, dim=1)

    maps = [torch.cat(deltas, dim=1), *map(predict, ('cls', 'coeff', 'embed'))]
    rows = [
        anchor_rows(canvas, part, head.anchor_generator.num_anchors) for part in maps
    ]
    rows.insert(2, centerness_rows(head, canvas, centerness))
    return rows, canvas.cut(shared)


def _groups(kernels: Sequence[tuple[int, int]]) -> list[slice]:
    """Neighbours with kernels of one size."""
    groups, first = [], 0
    for _, same in groupby(kernels):
        count = len(list(same))
        groups.append(slice(first, first + count))
        first += count
    return groups


def _boxes(
    head: STMaskHead, feats: Tensor, groups: Sequence[slice]
) -> tuple[list[Tensor], Tensor]:
    """Regressions (B, 4 L, H, W) of groups of L anchors, centerness (B, A, H, W)."""
    deltas, centerness = [], []
    for group in groups:
        layers: list[Any] = list(head.reg_preds[group])
        count = 4 * len(layers)
        if head.centerness_preds is not None:
            layers += head.centerness_preds[group]
        maps = convolve_together(layers, feats, head.joined_parameters)
        deltas.append(maps[:, :count])
        centerness.append(
            # tanh of infinity: a factor of one.
            maps[:, ::4] * 0 + torch.inf
            if head.centerness_preds is None
            else maps[:, count:]
        )
    return deltas, torch.cat(centerness, dim=1)


def anchor_rows(canvas: LevelCanvas, maps: Tensor, anchors: int) -> Tensor:
    """A map (B, A * d, H, W) as (B, N, d): the anchors of a place side by side."""
    cells = maps.flatten(2).index_select(2, canvas.cells)
    return cells.unflatten(1, (anchors, -1)).permute(0, 3, 1, 2).flatten(1, 2)


def centerness_rows(head: STMaskHead, canvas: LevelCanvas, maps: Tensor) -> Tensor:
    """A map (B, A, H, W) as (B, N, 1), in the head's order."""
    levels = maps.flatten(2).index_select(2, canvas.cells)
    counts = [height * width for _, _, height, width in canvas.corners]
    parts = [head.flatten_centerness(part) for part in levels.split(counts, dim=2)]
    return torch.cat(parts, dim=1)
