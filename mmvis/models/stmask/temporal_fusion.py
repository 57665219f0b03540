"""STMask's temporal fusion: where the instances of a frame are in the next one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, pad

from mmvis.registry import MODELS, TASK_UTILS

from .correlation import local_correlation
from .temporal_network import TemporalNetwork, boxes_to_cells


@MODELS.register_module()
class TemporalFusion(TemporalNetwork):
    """Box and coefficient changes between two frames (STMask, section 3.2).

    The correlation of both frames' feature maps and the maps themselves are joined;
    the temporal network looks at the join where the instances were in the first frame
    (eqs. 10-13).

    Args:
        level (int): Level of the feature pyramid: 1 is P4.
        patch_size (int): Side d of the square of displacements, in cells; odd.
        feat_channels (int): Channels of the maps that are joined with the correlation.
        joined_features (str): 'pyramid', the level itself (paper), or 'shared', the
            level after the head's shared convolution (release).
        bbox_coder (dict): mmdet's coder of the box changes.
        **kwargs: Of ``TemporalNetwork``, without in_channels.
    """

    def __init__(
        self,
        level: int = 1,
        patch_size: int = 11,
        feat_channels: int = 256,
        joined_features: str = 'pyramid',
        bbox_coder: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if joined_features not in ('pyramid', 'shared'):
            raise ValueError(
                "TemporalFusion.joined_features must be 'pyramid' or 'shared', but is "
                f'{joined_features!r}.'
            )
        super().__init__(in_channels=patch_size**2 + 2 * feat_channels, **kwargs)
        self.level = level
        self.patch_size = patch_size
        self.joined_features = joined_features
        self.bbox_coder = TASK_UTILS.build(bbox_coder or dict(type='YolactBBoxCoder'))

    def select(self, feats: list[Tensor], shared: list[Tensor]) -> tuple[Tensor, ...]:
        """What of a frame is needed: maps to correlate and maps to join, (B, C, h, w).

        Args:
            feats (Sequence[Tensor]): Levels of the feature pyramid.
            shared (Sequence[Tensor]): The levels after the head's shared convolution.
        """
        joined = feats if self.joined_features == 'pyramid' else shared
        return feats[self.level], joined[self.level]

    def join(self, previous: tuple[Tensor, ...], current: tuple[Tensor, ...]) -> Tensor:
        """The temporal network's input (B, d*d + 2 C, h, w) from two :meth:`select`."""
        correlated, joined = previous
        correlation = local_correlation(correlated, current[0], self.patch_size)
        motion = leaky_relu(correlation.flatten(1, 2) / correlated.shape[1], 0.1)
        return torch.cat([motion, joined, current[1]], dim=1).relu()

    def between(
        self,
        previous: tuple[Tensor, ...],
        current: tuple[Tensor, ...],
        bboxes: Tensor,
        input_shape: tuple[int, int],
        pairs: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Changes of n instances from one frame to the next.

        Args:
            previous (tuple[Tensor]): What :meth:`select` took of the first frames:
                (B, C, h, w) each.
            current (tuple[Tensor]): Likewise of the frames after them.
            bboxes, input_shape, pairs: See :meth:`changes`.

        Returns:
            tuple[Tensor, Tensor]: Box regressions (n, 4), coefficient changes (n, K).
        """
        return self.changes(self.join(previous, current), bboxes, input_shape, pairs)

    def changes(
        self,
        joined: Tensor,
        bboxes: Tensor,
        input_shape: tuple[int, int],
        pairs: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """:meth:`between` frames that are joined already.

        Args:
            joined (Tensor): (B, d*d + 2 C, h, w) of :meth:`join`.
            bboxes (Tensor): (n, 4) in the previous frame, xyxy in pixels of the padded
                input.
            input_shape (tuple[int, int]): Height and width of that input.
            pairs (Tensor | None): (n,) which of the B pairs a box is of; None of one.
        """
        cells = boxes_to_cells(bboxes, input_shape, joined.shape[-2:])
        if pairs is None:
            rois = pad(cells, (1, 0))
        else:
            rois = torch.cat([pairs[:, None].to(cells), cells], dim=1)
        deltas, increments = self(joined, rois)
        return deltas.float(), increments.float()

    def decode(self, bboxes: Tensor, deltas: Tensor) -> Tensor:
        """Boxes (n, 4) in the current frame, those of the previous as priors."""
        return self.bbox_coder.decode(bboxes, deltas)
