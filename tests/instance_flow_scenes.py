"""Made-up maps of frames in which every instance and its movement is known."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmvis.models.instance_flow.grouping import pixel_positions

STRIDE, SIZE, NUM_CLASSES = 4, (24, 40), 3


@dataclass
class Box:
    """An object: its middle x, y and its half width and height, in pixels."""

    x: float
    y: float
    width: float = 12.0
    height: float = 16.0
    label: int = 0


def regions(boxes: dict[str, Box]) -> Tensor:
    """The identity map (h, w) of objects, the later ones in front."""
    x, y = pixel_positions(*SIZE, STRIDE, torch.zeros(()))
    id_map = torch.zeros(SIZE, dtype=torch.long)
    for number, box in enumerate(boxes.values(), 1):
        inside = ((x - box.x).abs() < box.width) & ((y - box.y).abs() < box.height)
        id_map[inside] = number
    return id_map


def places(boxes: dict[str, Box]) -> Tensor:
    return torch.tensor([[box.x, box.y] for box in boxes.values()]).view(-1, 2)


def heat_of(boxes: dict[str, Box], sigma: float = 6.0) -> Tensor:
    """The largest (h, w) of Gaussians around the objects."""
    positions = pixel_positions(*SIZE, STRIDE, torch.zeros(()))
    heat = torch.zeros(SIZE)
    for box in places(boxes):
        squares = (positions - box[:, None, None]).square().sum(0)
        heat = heat.maximum((-squares / (2 * sigma**2)).exp())
    return heat


def semantic_of(boxes: dict[str, Box]) -> Tensor:
    """Probabilities (C + 1, h, w): 0.7 for what a pixel shows, 0.1 for the others."""
    labels = torch.tensor([NUM_CLASSES] + [box.label for box in boxes.values()])
    shown = labels[regions(boxes)]
    return 0.1 + 0.6 * torch.nn.functional.one_hot(shown).permute(2, 0, 1)


def offsets_to(boxes: dict[str, Box], to: dict[str, Box]) -> Tensor:
    """Offsets (2, h, w) from the objects' pixels to the places of the same names.

    What is not there, and the background, points far away.
    """
    far = Box(5000.0, -5000.0)
    goals = places({'background': far} | {name: to.get(name, far) for name in boxes})
    positions = pixel_positions(*SIZE, STRIDE, torch.zeros(()))
    return goals[regions(boxes)].permute(2, 0, 1) - positions
