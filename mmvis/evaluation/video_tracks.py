"""The tracks of one video, gathered from its frames."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmvis.structures.counts_by_track import CountsByTrack
from mmvis.structures.rle import empty_rle, encode_masks


@dataclass(slots=True)
class _Sums:
    """What is known of a track, in numbers that do not grow with its frames.

    Attributes:
        times: frames in which it was predicted.
        score: sum of its scores.
        lowest, highest: of its scores.
        votes: by label, frames that had it and the sum of their scores.
        soft_times, soft: frames with class_scores, and their sum (num_classes,).
        sure_times, sure: the same of class_scores times objectness.
    """

    times: int = 0
    score: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf
    votes: dict[int, tuple[int, float]] = field(default_factory=dict)
    soft_times: int = 0
    soft: Any = 0.0
    sure_times: int = 0
    sure: Any = 0.0

    def add(self, score: float, label: int) -> None:
        self.times += 1
        self.score += score
        self.lowest, self.highest = min(self.lowest, score), max(self.highest, score)
        times, total = self.votes.get(label, (0, 0.0))
        self.votes[label] = (times + 1, total + score)

    def add_soft(self, class_scores: np.ndarray, objectness: float | None) -> None:
        self.soft_times += 1
        self.soft = self.soft + class_scores
        if objectness is not None:
            self.sure_times += 1
            self.sure = self.sure + class_scores * objectness

    @property
    def label(self) -> int:
        if self.soft_times == self.times:
            return int(np.argmax(self.soft))
        # Of equal counts and sums the lowest label, so that order does not matter.
        return min(
            self.votes, key=lambda label: (*(-n for n in self.votes[label]), label)
        )

    @property
    def mean_score(self) -> float:
        if self.sure_times == self.times:
            return float(self.sure[self.label] / self.times)
        # Rounding can put the mean of equal scores below all of them: a track of masks
        # of 0.7 would be left out of those of at least 0.7.
        return min(max(self.score / self.times, self.lowest), self.highest)


class VideoTracks:
    """Collects a video's predictions frame by frame, in order, in any chunks.

    Masks are kept as packed run lengths only, and of all else only sums.

    Args:
        video_id: the id in the annotation file.
        length: number of frames of the video; None for a stream, whose length is the
            number of frames that came.
        size: (height, width) of its frames in pixels.
        limit: bytes of run lengths in memory; what is more goes to a temporary file
            (see ``CountsByTrack``).
    """

    def __init__(
        self,
        video_id: Any,
        length: int | None,
        size: Sequence[int],
        limit: float = math.inf,
    ) -> None:
        self.video_id = video_id
        self._length = length
        self.size = [int(side) for side in size]
        self.num_frames = 0
        self._empty = empty_rle(*self.size)['counts']
        self._counts = CountsByTrack(limit)
        self._sums: dict[Any, _Sums] = {}

    @property
    def length(self) -> int:
        return self.num_frames if self._length is None else self._length

    @property
    def finished(self) -> bool:
        return self.num_frames == self._length

    def add_frame(self, frame_id: int, instances: Mapping) -> None:
        """Add the next frame.

        Args:
            frame_id: its position in the video.
            instances: scores (n,), labels (n,), instances_id (n,), masks (n RLEs, or
                a (n, h, w) bool array or tensor), optionally class_scores
                (n, num_classes), and with them objectness (n,): the factor that makes
                a class score the score of this class in the frame.

        Raises:
            ValueError: if another frame was due, an id occurs twice in the frame, the
                fields have not the same length, or a mask is not of the video's size.
        """
        place = f'video {self.video_id!r}, frame {frame_id}'
        if frame_id != self.num_frames or self.finished:
            raise ValueError(
                f'{place} came where frame {self.num_frames} of {self.length} was due: '
                'the frames of a video have to come once, in order and on one rank '
                '(ClipSampler does that)'
            )
        missing = {'scores', 'labels', 'instances_id', 'masks'} - set(instances.keys())
        if missing:
            raise ValueError(f'{place}: predictions have no {sorted(missing)}')
        ids = _to_list(instances['instances_id'])
        fields = {
            'scores': _to_list(instances['scores']),
            'labels': _to_list(instances['labels']),
            'masks': self._packed(instances['masks'], place),
        }
        for name, values in fields.items():
            if len(values) != len(ids):
                raise ValueError(
                    f'{place}: {len(values)} {name} for {len(ids)} instances_id'
                )
        if len(set(ids)) != len(ids):
            raise ValueError(f'{place}: an instance id occurs twice: {sorted(ids)}')
        soft = instances.get('class_scores')
        soft = None if soft is None else _to_numpy(soft).astype(np.float64)
        objectness = instances.get('objectness')
        objectness = None if objectness is None else _to_list(objectness)
        for row, (instance_id, score, label, counts) in enumerate(
            zip(ids, *fields.values(), strict=True)
        ):
            sums = self._sums.setdefault(instance_id, _Sums())
            sums.add(score, label)
            if soft is not None:
                sums.add_soft(
                    soft[row], None if objectness is None else objectness[row]
                )
            if counts is not None:
                self._counts.add(instance_id, frame_id, counts)
        self.num_frames += 1

    def _packed(self, masks: Any, place: str) -> list[bytes | None]:
        """Packed counts of each mask, None for a mask without a pixel."""
        if hasattr(masks, 'ndim'):  # an array or a tensor
            if masks.ndim != 3:
                raise ValueError(f'{place}: masks of shape {tuple(masks.shape)}')
            if masks.shape[0] and list(masks.shape[1:]) != self.size:
                raise ValueError(
                    f'{place}: masks of shape {tuple(masks.shape)} for a video of '
                    f'{self.size} (height, width)'
                )
            masks = encode_masks(masks)
        packed = []
        for rle in masks:
            if list(rle['size']) != self.size:
                raise ValueError(
                    f'{place}: a mask is of size {rle["size"]}, the video of '
                    f'{self.size} (height, width)'
                )
            counts = rle['counts']
            counts = counts.encode('ascii') if isinstance(counts, str) else counts
            packed.append(None if counts == self._empty else counts)
        return packed

    def to_results(self) -> dict:
        """The finished video: video_id, size, length, and tracks.

        A track has id, label, score (mean over the frames in which it was predicted)
        and counts (packed run lengths or None for each frame). Its label is that of
        highest accumulated class score where all its frames have class_scores, else
        that of most frames, of equals the one of highest summed score. Where all its
        frames have objectness too, its score is that of this label in every frame,
        whatever label a frame was given before the others were seen. A track that never
        has a pixel is left out: it could only be a false positive.
        """
        tracks = [self.with_counts(track) for track in self.without_counts()]
        return dict(self.about(), tracks=tracks)

    def about(self) -> dict:
        """What results say of the video but its tracks."""
        return dict(video_id=self.video_id, size=self.size, length=self.length)

    def without_counts(self) -> list[dict]:
        """The tracks of :meth:`to_results` but for their counts."""
        tracks = []
        for instance_id in self._counts:
            sums = self._sums[instance_id]
            tracks.append(dict(id=instance_id, label=sums.label, score=sums.mean_score))
        return tracks

    def with_counts(self, track: dict) -> dict:
        """One of :meth:`without_counts` with its counts, an entry for each frame.

        Those of all tracks of a long video are many more than there are masks.
        """
        of_frame = self._counts.of(track['id'])
        return dict(track, counts=[of_frame.get(frame) for frame in range(self.length)])


def _to_numpy(values: Any) -> np.ndarray:
    if hasattr(values, 'detach'):  # a tensor, without importing torch to ask
        return values.detach().cpu().numpy()
    return np.asarray(values)


def _to_list(values: Any) -> list:
    return _to_numpy(values).tolist()
