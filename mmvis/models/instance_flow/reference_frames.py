"""What InstanceFlow remembers of a video: where it begins, and its latest frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mmvis.models.common.constants import constant


@dataclass(eq=False)
class ReferenceFrame:
    """A past frame.

    Attributes:
        frame_id (int): Its number.
        centers (Tensor): (m, 2) x, y of its instances in pixels of the network input,
            on the host.
        ids (Tensor): (m,) int64, their ids, on the host.
        features: What the model wants to read again when the frame is a reference; None
            for a frame without instances.
    """

    frame_id: int
    centers: Tensor
    ids: Tensor
    features: Any = None


@dataclass(eq=False)
class InstanceFlowMemory:
    """The first frame and the latest ones of a video, and the votes of their tracks.

    The first frame is the first one with an instance: nothing can be found again in a
    frame that shows none.

    A track that is in none of these frames is never found again. So its votes are
    forgotten, and the memory does not grow with the video.

    Attributes:
        num_recent (int): The latest frames that are kept.
        keep_first (bool): Whether the first frame is kept, too.
        next_id (int): The id that the next new track gets; ids are never used twice.
        first (ReferenceFrame | None): The first frame with an instance.
        recent (list[ReferenceFrame]): The latest frames, in their order.
        track_ids (Tensor): (k,) int64, the ids in these frames, ascending, on the host.
        votes (Tensor | None): (k, C), the class scores of each of these tracks, summed
            over all its frames.
    """

    num_recent: int
    keep_first: bool = True
    next_id: int = 0
    first: ReferenceFrame | None = None
    recent: list[ReferenceFrame] = field(default_factory=list)
    track_ids: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    votes: Tensor | None = None

    @property
    def frames(self) -> list[ReferenceFrame]:
        """All frames that are kept, each once, in their order."""
        if self.first is None or self.first in self.recent:
            return self.recent
        return [self.first, *self.recent]

    @property
    def references(self) -> list[ReferenceFrame]:
        """The frames with instances, in their order: where matches may be found."""
        return [frame for frame in self.frames if len(frame.ids)]

    def references_ahead(
        self, frames: Sequence[ReferenceFrame]
    ) -> list[list[ReferenceFrame]]:
        """The references of each of the next frames, those among them included.

        Args:
            frames (Sequence[ReferenceFrame]): As many ids as instances; which they are
                does not matter.
        """
        ahead, found = replace(self), []
        for frame in frames:
            found.append(ahead.references)
            ahead._keep(frame)
        return found

    def new_ids(self, count: int) -> Tensor:
        """``count`` unused ids (count,) int64, on the host."""
        first, self.next_id = self.next_id, self.next_id + count
        return torch.arange(first, self.next_id)

    def add(self, frame: ReferenceFrame, class_scores: Tensor) -> Tensor:
        """Remember a frame, forget what is too old, and count the votes.

        Args:
            frame (ReferenceFrame): m instances, no id twice.
            class_scores (Tensor): (m, C) of these instances.

        Returns:
            Tensor: (m, C), the class scores of their tracks, summed over all frames.
        """
        if self.votes is None:
            self.votes = class_scores[:0]
        # Row 0 is that of a track without votes.
        before = torch.cat([torch.zeros_like(class_scores[:1]), self.votes])
        votes = (
            class_scores + before[_rows(frame.ids, self.track_ids).to(before.device)]
        )

        self._keep(frame)
        known = torch.cat([frame.ids, self.track_ids])
        self.track_ids = torch.cat([kept.ids for kept in self.frames]).unique()
        rows = _rows(self.track_ids, known).to(votes.device) - 1
        self.votes = torch.cat([votes, self.votes])[rows]
        return votes

    def _keep(self, frame: ReferenceFrame) -> None:
        if self.keep_first and self.first is None and len(frame.ids):
            self.first = frame
        self.recent = [*self.recent, frame][-self.num_recent :]

    def rescale(self, x: float, y: float) -> None:
        """Multiply all places, for frames of another size from now on."""
        for frame in self.frames:
            frame.centers = frame.centers * constant(frame.centers, [x, y])


def _rows(ids: Tensor, table: Tensor) -> Tensor:
    """1 + the first place (n,) of each of the ids (n,) in a table (k,); 0: in none."""
    found = torch.cat(
        [torch.zeros(len(ids), 1, dtype=torch.bool), ids[:, None] == table], dim=1
    )
    return found.byte().argmax(1)
