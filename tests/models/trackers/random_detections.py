"""Detections of a made-up frame, with every field that a tracker may use."""

import torch
from mmengine.structures import InstanceData


def draw(n: int, generator: torch.Generator, size=(4, 5)) -> InstanceData:
    """n detections with masks (n, *size), half of whose elements exceed 0.5."""
    corner = torch.rand(n, 2, generator=generator) * 20
    extent = torch.rand(n, 2, generator=generator) * 20 + 2
    return InstanceData(
        bboxes=torch.cat([corner, corner + extent], 1),
        scores=torch.rand(n, generator=generator) * 0.9 + 0.05,
        labels=torch.randint(0, 2, (n,), generator=generator),
        embeddings=torch.randn(n, 3, generator=generator),
        masks=torch.rand(n, *size, generator=generator),
        coefficients=torch.randn(n, 2, generator=generator),
    )
