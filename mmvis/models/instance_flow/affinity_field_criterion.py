"""InstanceFlow trained with an affinity field instead of offsets (Table IV)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvis.registry import MODELS

from .criterion import InstanceFlowCriterion, InstanceFlowMaps
from .targets import InstanceFlowTargets, by_frame, pixel_centers


@MODELS.register_module()
class AffinityFieldCriterion(InstanceFlowCriterion):
    """InstanceFlow's losses where the inter-frame branch gives an affinity field.

    The paper has "a unit vector field on instance movement trajectories", after
    OpenPose: within ``width / 2`` of the line from an object's centre to its centre in
    the reference frame the field is the unit vector along that line, the mean of them
    where lines cross, and zero elsewhere. As in OpenPose it counts everywhere, since
    most of a trajectory lies in the background.

    Args:
        width (float): Of a trajectory, in pixels of the input.
        **kwargs: Those of InstanceFlowCriterion, but for loss_shape: there is no
            inter-frame offset whose shape could be compared.
    """

    def __init__(self, *args: Any, width: float = 32.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.loss_shape is not None:
            raise ValueError(
                'AffinityFieldCriterion has no offsets to other frames to compare in '
                'shape: set model.criterion.loss_shape=None.'
            )
        self.width = width

    def inter_losses(
        self,
        maps: InstanceFlowMaps,
        intra: Tensor,
        targets: InstanceFlowTargets,
        shared: Tensor,
    ) -> dict[str, Tensor]:
        """The loss of the field; see InstanceFlowCriterion."""
        counted = targets.counted
        loss = self.loss_inter(
            maps.inter,
            affinity_field(targets, self.width),
            weight=counted[:, None],
            avg_factor=counted.sum().clamp(min=1),
        )
        return dict(loss_inter=loss)


def affinity_field(targets: InstanceFlowTargets, width: float) -> Tensor:
    """Unit vectors (B, 2, h, w), x before y, along the objects' movements.

    Args:
        targets (InstanceFlowTargets): Of B frames.
        width (float): Of a trajectory, in pixels of the input.
    """
    start = targets.centers
    way = targets.reference_centers - start
    length = way.norm(dim=1)
    # An object that stays has no direction.
    moves = targets.in_reference & (length > 0)
    unit = way / length.clamp(min=1e-6)[:, None]
    pixels = pixel_centers(targets.owner, targets.stride) - start[:, None, None]
    along = (pixels * unit[:, None, None]).sum(3)
    across = pixels[..., 0] * unit[:, 1, None, None]
    across = across - pixels[..., 1] * unit[:, 0, None, None]
    half = width / 2
    near = (across.abs() <= half) & (along >= -half)
    near &= along <= length[:, None, None] + half
    near = (near & moves[:, None, None]).float()
    fields = near[:, None] * unit[:, :, None, None]
    counts = by_frame(near, targets.counts).sum(1).clamp(min=1)
    return by_frame(fields, targets.counts).sum(1) / counts[:, None]
