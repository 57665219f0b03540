"""torch.compile for the parts of a video model that are plain networks."""

from __future__ import annotations

from torch import nn

PARTS = ('backbone', 'neck', 'prototype_net', 'base_mask_module')


def compile_network(model: nn.Module) -> list[str]:
    """Compile backbone, neck and the like, in place; NMS and tracking stay as they are.

    Returns:
        list[str]: The parts that were found.
    """
    found = []
    for owner in (model, getattr(model, 'detector', None)):
        for name in PARTS:
            part = getattr(owner, name, None)
            if isinstance(part, nn.Module):
                part.compile()
                found.append(name)
    return found
