"""Objects that come into the picture, cross it and leave, for ever.

Each drives along a lane of its own and is followed by another one: at any time about
the same number is in the frame, and nobody is there for long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .forced_instances import DUPLICATES, ForcedInstances
from .stage_times import Stopwatch

# Of a lane's time, in which nobody is on it.
GAP = 0.15
# Pixels that must be in the frame.
LEAST = 4.0


@dataclass
class Scene:
    """A frame: what it shows, as a picture and in numbers.

    Attributes:
        image (np.ndarray): (h, w, 3) uint8 BGR.
        boxes (Tensor): (n, 4) xyxy px, cut to the frame, n >= 1.
        objects (list[int]): n numbers; no two objects of a video have the same.
    """

    image: np.ndarray
    boxes: Tensor
    objects: list[int]


class Traffic:
    """A video without end.

    Args:
        lanes (int): Objects that can be in a frame at once.
        size (tuple[int, int]): Height and width of a frame in px.
        lifetime (int): Frames that an object takes to cross it, about.
        seed (int): Of speeds, starts and pictures.
    """

    def __init__(
        self, lanes: int, size: tuple[int, int], lifetime: int, seed: int = 0
    ) -> None:
        self.size, self.lanes = size, lanes
        random = np.random.default_rng(seed)
        self.periods = random.integers(
            max(4, int(0.8 * lifetime)), int(1.2 * lifetime) + 5, lanes
        )
        self.starts = random.integers(0, 10 * lifetime, lanes)
        self.backwards = random.random(lanes) < 0.5
        self.colours = random.integers(60, 256, (64, 3), dtype=np.uint8)
        noise = random.integers(0, 60, (size[0], 2 * size[1], 3), dtype=np.uint8)
        self.background = noise

    def scene(self, frame: int) -> Scene:
        """The frame of a number."""
        height, width = self.size
        turn, phase = np.divmod(frame + self.starts, self.periods)
        share = phase / self.periods / (1 - GAP)
        share = np.where(self.backwards, 1 - share, share)
        side = 0.7 * height / self.lanes
        length = max(2 * LEAST, min(2 * side, width / 3))
        centre = share * (width + length) - length / 2
        middle = (np.arange(self.lanes) + 0.5) * height / self.lanes
        boxes = np.stack(
            [
                (centre - length / 2).clip(0, width),
                middle - side / 2,
                (centre + length / 2).clip(0, width),
                middle + side / 2,
            ],
            axis=1,
        )
        there = boxes[:, 2] - boxes[:, 0] >= LEAST
        if not there.any():  # models are made to find something
            boxes[0, [0, 2]], there[0] = (0, LEAST), True
        objects = (turn * self.lanes + np.arange(self.lanes))[there].tolist()
        start = frame % width
        image = self.background[:, start : start + width].copy()
        for number, (x0, y0, x1, y1) in zip(
            objects, boxes[there].round().astype(int), strict=True
        ):
            image[y0:y1, x0:x1] = self.colours[number % len(self.colours)]
        return Scene(image, torch.from_numpy(boxes[there]).float(), objects)


class ForcedTraffic(ForcedInstances):
    """A model that finds what is in the latest scene that it was shown.

    Args:
        model (nn.Module): A built video model, wrapped as long as this lives.
        traffic (Traffic): Whose frames are those that the network gets, unscaled.
        input_shape (tuple[int, int]): Height and width with padding.
    """

    def __init__(
        self, model: nn.Module, traffic: Traffic, input_shape: tuple[int, int]
    ) -> None:
        super().__init__(
            model, traffic.lanes, traffic.size, input_shape, Stopwatch('cpu')
        )
        self._looks: dict[int, Tensor] = {}

    def show(self, scene: Scene) -> None:
        """Find the objects of this scene from now on."""
        device = self.boxes.device
        self.boxes = scene.boxes.to(device)
        count = len(scene.objects)
        rows = torch.arange(count * DUPLICATES, device=device)
        self.instance = rows % count
        self.kinds = torch.tensor(scene.objects, device=device)
        side = (self.boxes[:, 2:] - self.boxes[:, :2])[self.instance].repeat(1, 2)
        shake = (torch.rand(len(rows), 4).to(device) - 0.5) * 0.04
        self.detected = self.boxes[self.instance] + side * shake
        self.scores = torch.linspace(0.95, 0.6, len(rows), device=device)
        looks = {number: self._look(number) for number in scene.objects}
        self._looks = looks  # of those in the frame alone
        self.embeddings = torch.stack(list(looks.values())).to(device)

    def _look(self, number: int) -> Tensor:
        known = self._looks.get(number)
        if known is None:
            known = torch.randn(1024, generator=torch.Generator().manual_seed(number))
        return known
