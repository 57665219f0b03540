"""What InstanceFlow's network makes of frames, and what is remembered of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import interpolate

from .inter_frame_head import InterFrameFeatures
from .reference_frames import InstanceFlowMemory


class InstanceFlowFeatures(NamedTuple):
    """What is predicted of frames by themselves, scales averaged.

    Attributes:
        semantic (Tensor): (T, C + 1, h, w) probabilities; the last is the background.
        heatmap (Tensor): (T, 1, h, w).
        intra (Tensor): (T, 2, h, w) offsets in pixels of the input.
        inter (tuple[InterFrameFeatures, ...]): Of each scale; empty without an
            inter-frame head.
    """

    semantic: Tensor
    heatmap: Tensor
    intra: Tensor
    inter: tuple[InterFrameFeatures, ...]


@dataclass
class InstanceFlowState:
    """What is remembered of a video: reference frames, and the size of their input."""

    memory: InstanceFlowMemory
    input_shape: tuple[int, int] | None = None

    def fit_to_size(
        self, input_shape: tuple[int, int], inter: tuple[InterFrameFeatures, ...]
    ) -> None:
        """Bring what is remembered to the size of the input of frames to come.

        Args:
            input_shape (tuple[int, int]): Height and width of that input, padded.
            inter (tuple[InterFrameFeatures, ...]): Of these frames, at each scale.
        """
        before, self.input_shape = self.input_shape, input_shape
        if before in (None, input_shape):
            return
        y, x = (new / old for new, old in zip(input_shape, before, strict=True))
        self.memory.rescale(x, y)
        for frame in self.memory.references:
            frame.features = tuple(
                tuple(
                    interpolate(old, new.shape[-2:], mode='bilinear')
                    for old, new in zip(theirs, mine.references, strict=True)
                )
                for theirs, mine in zip(frame.features, inter, strict=True)
            )
