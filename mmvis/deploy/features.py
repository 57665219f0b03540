"""Networks of models whose further steps are PyTorch's: all up to what they find.

What :meth:`BaseVISModel.extract_test_feat` gives is exported, and of InstanceFlow what
it says of a frame and its references. The rest of a model, with the weights that are
not in these networks, is built from its config where the files are run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvis.apis.exported_features import INTER_INPUTS
from mmvis.models.instance_flow import InstanceFlow
from mmvis.models.instance_flow.inter_frame_head import InterFrameFeatures

from .networks import ExportPlan, PartNetwork

KIND = 'features'


class FeatureNetwork(nn.Module):
    """``extract_test_feat`` as a flat tuple."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """All tensors, in order, of a frame (1, 3, H, W)."""
        return tuple(flat(self.model.extract_test_feat(frames)))


class InterFrameNetwork(nn.Module):
    """InstanceFlow's inter-frame head behind what it makes of single frames."""

    def __init__(self, model: InstanceFlow) -> None:
        super().__init__()
        self.head: Any = model.inter_frame_head

    def forward(
        self,
        deep: Tensor,
        skip: Tensor,
        shallow: Tensor,
        target_16: Tensor,
        target_8: Tensor,
        reference_16: Tensor,
        reference_8: Tensor,
    ) -> tuple[Tensor]:
        """Fields (R, 2, h, w) of a frame and R references."""
        # Of a target, references are not read.
        target = InterFrameFeatures(
            deep, (skip, shallow), (target_16, target_8), (target_16, target_8)
        )
        return (self.head(target, (reference_16, reference_8)),)


def flat(feats: Any) -> list[Tensor]:
    """The tensors of nested tuples, in order."""
    if isinstance(feats, Tensor):
        return [feats]
    return [tensor for part in feats for tensor in flat(part)]


def structure(feats: Any) -> Any:
    """Nested tuples without their tensors: None for one, a type's place and its parts.

    ``mmvis.apis.exported_features.rebuilt`` reads it.
    """
    if isinstance(feats, Tensor):
        return None
    kind = type(feats)
    name = f'{kind.__module__}.{kind.__qualname__}' if hasattr(feats, '_fields') else ''
    return [name, [structure(part) for part in feats]]


def plan(model: Any, frame: Tensor) -> ExportPlan:
    """See ``plan_export``: for any model."""
    network = FeatureNetwork(model)
    with torch.no_grad():
        feats = model.extract_test_feat(frame)
    tensors = flat(feats)
    parts = [
        PartNetwork(
            'frame',
            network,
            {'frames': frame},
            [f'feature_{index}' for index in range(len(tensors))],
            spatial={'frames': {2: 1, 3: 1}},
        )
    ]
    # With several scales there are as many; PyTorch goes on with those.
    if isinstance(model, InstanceFlow) and len(feats.inter) == 1:
        parts.append(_inter_frame(feats.inter[0], model))
    settings = dict(structure=structure(feats), input_shape=list(frame.shape[-2:]))
    return ExportPlan(KIND, parts, settings)


def _inter_frame(encoded: Any, model: InstanceFlow) -> PartNetwork:
    references = [torch.cat([part, part]) for part in encoded.references]
    inputs = [encoded.deep, *encoded.skips, *encoded.targets, *references]
    strides = (16, 8, 4, 16, 8, 16, 8)
    return PartNetwork(
        'inter',
        InterFrameNetwork(model),
        # Copies: torch.export takes one tensor given twice for one input.
        {name: value.clone() for name, value in zip(INTER_INPUTS, inputs, strict=True)},
        ['field'],
        free={name: {0: 'references'} for name in INTER_INPUTS[-2:]},
        spatial={
            name: {2: stride, 3: stride}
            for name, stride in zip(INTER_INPUTS, strides, strict=True)
        },
    )
