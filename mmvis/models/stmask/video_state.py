"""What STMask's network makes of frames, and what is remembered of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from .outputs import PostponedOutputs, STMaskOutputs


class STMaskFeatures(NamedTuple):
    """What the network makes of B frames; every tensor begins with the axis of frames.

    Attributes:
        outputs (STMaskOutputs | PostponedOutputs): Of the head; the latter for tests,
            where the head allows it.
        prototypes (Tensor): (B, K, H / 4, W / 4).
        temporal (tuple[Tensor, Tensor]): What ``TemporalFusion.select`` takes of a
            frame; no cells without temporal fusion.
        anchors (Tensor): (B, N, 4), the same for all frames.
    """

    outputs: STMaskOutputs | PostponedOutputs
    prototypes: Tensor
    temporal: tuple[Tensor, Tensor]
    anchors: Tensor


@dataclass
class STMaskState:
    """What is remembered of a video: its tracks and the last frame's feature maps."""

    memory: Any  # a TrackMemory, or a MaskTracker
    temporal: tuple[Tensor, Tensor] | None = None
    input_shape: tuple[int, int] | None = None
    img_shape: tuple[int, int] | None = None

    def is_of_size(self, metainfo: dict) -> bool:
        """Whether a frame has the size of the last one."""
        return (self.input_shape, self.img_shape) == sizes_of(metainfo)

    def rescale(self, img_shape: tuple[int, int]) -> None:
        """Bring the remembered boxes to pixels of a frame of another size.

        Feature maps of unequal size cannot be correlated: for this frame the tracks
        stay where they were seen, and the tracker goes without their masks.

        Args:
            img_shape (tuple[int, int]): Height and width without padding.
        """
        if self.img_shape is not None:
            y, x = (
                new / old for new, old in zip(img_shape, self.img_shape, strict=True)
            )
            self.memory.rescale(x, y)

    def remember(self, feats: STMaskFeatures, frame: int, metainfo: dict) -> None:
        """What the next frame asks of this one, a number of those that came."""
        self.temporal = feats.temporal[0][frame], feats.temporal[1][frame]
        self.input_shape, self.img_shape = sizes_of(metainfo)


def sizes_of(metainfo: dict) -> tuple[tuple[int, int], tuple[int, int]]:
    """Height and width of a frame with its padding, and without."""
    height, width = metainfo['img_shape'][:2]
    return tuple(metainfo['batch_input_shape']), (height, width)
