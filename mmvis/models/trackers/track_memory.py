"""What a tracker remembers of a video: one row of tensors a living track."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from mmvis.models.common.constants import constant

# Remembered fields of x and y in pixels of the input, in turn.
PIXELS = frozenset(('bboxes', 'centers', 'movements'))


class TrackMemory:
    """The latest observation of every living track of one video.

    mmdet's BaseTracker keeps each frame's tensors for as long as a track lives; here a
    track is one row in each of a few tensors, overwritten when it is seen again, so
    that memory depends on the number of living tracks alone.

    Args:
        num_frames_retain (int, optional): A track not seen for this many frames is
            forgotten; None: never.

    Attributes:
        ids (Tensor | None): (m,) int64 ids of the living tracks, ascending; None until
            the first update.
        last_seen (Tensor | None): (m,) int64 frame number of the latest observation.
        next_id (int): The id that the next new track gets; ids are never used twice.
    """

    def __init__(self, num_frames_retain: int | None) -> None:
        if num_frames_retain is not None and num_frames_retain < 1:
            raise ValueError(
                f'num_frames_retain must be at least 1, but is {num_frames_retain}.'
            )
        self.num_frames_retain = num_frames_retain
        self.next_id = 0
        self.ids: Tensor | None = None
        self.last_seen: Tensor | None = None
        self._fields: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return 0 if self.ids is None else len(self.ids)

    def __getitem__(self, name: str) -> Tensor:
        """The field ``name`` of all living tracks: (m, ...), in the order of ids."""
        return self._fields[name]

    @property
    def fields(self) -> dict[str, Tensor]:
        """All fields of all living tracks; a new dict of the tensors themselves."""
        return dict(self._fields)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Within it an error leaves the tracks, and the ids to come, as before."""
        before = self.ids, self.last_seen, self.next_id, self.fields
        try:
            yield
        except BaseException:
            self.ids, self.last_seen, self.next_id, self._fields = before
            raise

    def to(self, device: torch.device) -> None:
        """Bring everything to a device: frames of a chunk may leave it on the host."""
        if self.ids is not None and self.last_seen is not None:
            self.ids = self.ids.to(device)
            self.last_seen = self.last_seen.to(device)
            self._fields = {k: v.to(device) for k, v in self._fields.items()}

    def expired(self, age: Tensor) -> Tensor:
        """Which tracks (m,) bool are too long unseen, by the frames since then (m,)."""
        if self.num_frames_retain is None:
            return torch.zeros_like(age, dtype=torch.bool)
        return age > self.num_frames_retain

    def retire(self, frame_id: int) -> None:
        """Forget the tracks that were not seen in the last num_frames_retain frames."""
        if self.last_seen is not None and self.num_frames_retain is not None:
            self._select(~self.expired(frame_id - self.last_seen))

    def new_ids(self, count: int, like: Tensor) -> Tensor:
        """``count`` unused ids (count,) int64 on the device of ``like``."""
        first, self.next_id = self.next_id, self.next_id + count
        return torch.arange(first, self.next_id, device=like.device)

    def update(self, ids: Tensor, frame_id: int, **fields: Tensor) -> None:
        """Write the observations of one frame.

        Args:
            ids (Tensor): (n,) int64, no id twice.
            frame_id (int): Number of the frame.
            **fields (Tensor): (n, ...) each; the same names at every update.
        """
        if not len(ids):
            return
        seen = ids.new_full(ids.shape, frame_id)
        if self.ids is None or self.last_seen is None:
            merged = dict(fields)
        else:
            # Rows of tracks seen now give way to the new observation. Sorting by id
            # keeps the order of rows independent of the order of detections.
            gone = (self.ids[:, None] == ids[None]).any(1)
            self._select(~gone)
            ids = _cat(self.ids, ids)
            seen = _cat(self.last_seen, seen)
            merged = {k: _cat(self._fields[k], v) for k, v in fields.items()}
        order = ids.argsort()
        self.ids, self.last_seen = ids[order], seen[order]
        self._fields = {name: value[order] for name, value in merged.items()}

    def overwrite(self, **fields: Tensor) -> None:
        """Give remembered fields new values, (m, ...) each, in the order of ids."""
        for name, value in fields.items():
            if name not in self._fields:
                raise ValueError(
                    f'{name!r} is not a remembered field; those are '
                    f'{sorted(self._fields)}.'
                )
            if len(value) != len(self):
                raise ValueError(
                    f'{name!r} has {len(value)} rows for {len(self)} living tracks.'
                )
        self._fields.update(fields)

    def rescale(self, x: float, y: float) -> None:
        """Bring what is in pixels to frames x times as wide and y times as high.

        Masks are emptied: those of frames of another size lie in another place.
        """
        for name in self._fields.keys() & PIXELS:
            values = self._fields[name]
            factor = constant(values, [x, y] * (values.shape[1] // 2))
            self._fields[name] = values * factor
        if 'masks' in self._fields:
            self._fields['masks'] = torch.zeros_like(self._fields['masks'])

    def replace(self, ids: Tensor, last_seen: Tensor, **fields: Tensor) -> None:
        """Make these the living tracks: ids (m,), ascending, and (m, ...) the rest."""
        self.ids, self.last_seen, self._fields = ids, last_seen, fields

    def exchange(self, **fields: Tensor) -> None:
        """Remember other fields, (m, ...) each, of the same tracks; nothing of none."""
        if self.ids is not None:
            self._fields = fields

    def _select(self, keep: Tensor) -> None:
        # Each look-up by a bool tensor would make the host wait for the device.
        rows = keep.nonzero().squeeze(1)
        assert self.ids is not None and self.last_seen is not None
        self.ids, self.last_seen = self.ids[rows], self.last_seen[rows]
        self._fields = {name: value[rows] for name, value in self._fields.items()}


def _cat(old: Tensor, new: Tensor) -> Tensor:
    return torch.cat([old, new.to(old.dtype)])
