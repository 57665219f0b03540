"""The loss of InstanceFlow (eqs. 1-2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmvis.registry import MODELS

from .targets import InstanceFlowTargets

WITH_BACKGROUND = ('center', 'intra', 'inter')


class InstanceFlowMaps(NamedTuple):
    """The network's maps of B frames, of stride 4.

    Attributes:
        semantic (Tensor): (B, C + 1, h, w) logits; the last class is the background.
        heatmap (Tensor): (B, 1, h, w), linear.
        intra (Tensor): (B, 2, h, w) offsets, centre less pixel, x before y, in pixels
            of the input.
        inter (Tensor | None): (B, 2, h, w) offsets to the centre in the reference
            frame, or an affinity field.
    """

    semantic: Tensor
    heatmap: Tensor
    intra: Tensor
    inter: Tensor | None


@MODELS.register_module()
class InstanceFlowCriterion(nn.Module):
    """Sum of the losses of all maps (eq. 1).

    Each is the mean over the pixels that count; offsets are summed over x and y. What
    is predicted of pixels in padding or of ignored objects counts nowhere. Centres and
    offsets count on objects only, and inter-frame offsets where the object is in the
    reference frame as well.

    Args:
        loss_semantic (dict): Cross entropy.
        loss_center (dict): MSELoss; the paper's weight is 100.
        loss_intra (dict): L1Loss of offsets in the frame; 0.01.
        loss_inter (dict): L1Loss of offsets to the reference frame; 0.01.
        loss_shape (dict | None): MSELoss of the offset residual (eq. 2); 0.01. None:
            without it (Table IV).
        shape_unit (float): Pixels of the input that a residual of one stands for in
            eq. 2, where it is squared. The paper gives no unit. In single pixels the
            shape loss is a hundred times all others before training: a residual of 100
            px costs 100, an inter-frame offset that is so wrong costs 1. The default is
            the unit of the heads' outputs.
        sigma (float): Standard deviation of the centres' Gaussians in pixels of the
            input. The paper has no number: that of Panoptic-DeepLab, for crops of 640.
        small_area (float): Objects of fewer pixels of the input are small.
        small_weight (float): Their factor in the losses of centres and offsets.
        background (Sequence[str]): Of 'center', 'intra' and 'inter' those that count in
            the background as well, where they should be zero (Table V).

    Raises:
        ValueError: If ``background`` names anything else, or a unit has no size.
    """

    def __init__(
        self,
        loss_semantic: dict,
        loss_center: dict,
        loss_intra: dict,
        loss_inter: dict,
        loss_shape: dict | None = None,
        shape_unit: float = 16.0,
        sigma: float = 8.0,
        small_area: float = 32**2,
        small_weight: float = 3.0,
        background: Sequence[str] = (),
    ) -> None:
        super().__init__()
        unknown = set(background) - set(WITH_BACKGROUND)
        if unknown:
            raise ValueError(
                f'{type(self).__name__}.background names {sorted(unknown)}, but only '
                f'{", ".join(WITH_BACKGROUND)} can count there.'
            )
        self.loss_semantic = MODELS.build(loss_semantic)
        self.loss_center = MODELS.build(loss_center)
        self.loss_intra = MODELS.build(loss_intra)
        self.loss_inter = MODELS.build(loss_inter)
        self.loss_shape = None if loss_shape is None else MODELS.build(loss_shape)
        if not shape_unit > 0:
            raise ValueError(f'shape_unit must be positive, but is {shape_unit}.')
        self.shape_unit = shape_unit
        self.sigma = sigma
        self.small_area = small_area
        self.small_weight = small_weight
        self.background = frozenset(background)

    def forward(
        self, maps: InstanceFlowMaps, targets: InstanceFlowTargets
    ) -> dict[str, Tensor]:
        """Losses of B frames, float32 at least.

        Args:
            maps (InstanceFlowMaps): Without ``inter`` in pre-training: neither
                loss_inter nor loss_shape then.
            targets (InstanceFlowTargets): Of the same frames.

        Returns:
            dict[str, Tensor]: loss_semantic, loss_center, loss_intra, loss_inter and
            loss_shape; connected zeros where nothing counts.
        """
        maps = InstanceFlowMaps._make(
            m if m is None else m.to(_at_least_float(m)) for m in maps
        )
        foreground = targets.foreground
        num_classes = maps.semantic.shape[1] - 1
        losses = dict(
            loss_semantic=self.loss_semantic(
                maps.semantic,
                targets.semantic(num_classes),
                weight=targets.counted,
                avg_factor=_number(targets.counted),
            )
        )
        heatmap = targets.heatmap(self.sigma) * foreground
        intra = targets.offsets(targets.centers)
        losses['loss_center'] = self._where(
            'center', maps.heatmap, heatmap[:, None], targets, foreground
        )
        losses['loss_intra'] = self._where(
            'intra', maps.intra, intra, targets, foreground
        )
        if maps.inter is None:
            return losses
        shared = foreground & targets.of_owner(targets.in_reference)
        losses.update(self.inter_losses(maps, intra, targets, shared))
        return losses

    def inter_losses(
        self,
        maps: InstanceFlowMaps,
        intra: Tensor,
        targets: InstanceFlowTargets,
        shared: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of offsets to the reference frame and of the residual.

        Args:
            maps (InstanceFlowMaps): With ``inter``.
            intra (Tensor): (B, 2, h, w), what the intra-frame offsets should be.
            targets (InstanceFlowTargets): Of the frames.
            shared (Tensor): (B, h, w) bool, pixels of objects that the reference
                frame has as well.
        """
        assert maps.inter is not None
        inter = targets.offsets(targets.reference_centers)
        losses = dict(
            loss_inter=self._where('inter', maps.inter, inter, targets, shared)
        )
        if self.loss_shape is not None:
            losses['loss_shape'] = self.loss_shape(
                (maps.inter - maps.intra) / self.shape_unit,
                (inter - intra) / self.shape_unit,
                weight=shared[:, None],
                avg_factor=_number(shared),
            )
        return losses

    def _where(
        self,
        name: str,
        predicted: Tensor,
        target: Tensor,
        targets: InstanceFlowTargets,
        on_objects: Tensor,
    ) -> Tensor:
        """A loss on objects' pixels (B, h, w), small ones weighted, and background."""
        counts = on_objects
        if name in self.background:
            counts = on_objects | (targets.counted & (targets.owner < 0))
        is_small = targets.of_owner(targets.areas < self.small_area)
        weight = counts * (1 + (self.small_weight - 1) * is_small)
        loss = getattr(self, f'loss_{name}')
        return loss(
            predicted, target, weight=weight[:, None], avg_factor=_number(counts)
        )


def _number(chosen: Tensor) -> Tensor:
    """How many of a mask, one at least."""
    return chosen.sum().clamp(min=1)


def _at_least_float(maps: Tensor) -> torch.dtype:
    return torch.promote_types(maps.dtype, torch.float32)
