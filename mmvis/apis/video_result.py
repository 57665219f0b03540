"""What a model says of a whole video."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmvis.evaluation.submission import official_results
from mmvis.evaluation.video_tracks import VideoTracks
from mmvis.structures.frame_result import FrameResult
from mmvis.structures.whole_file import whole_file

from .frame_sources import FrameSource

VIDEO_ID = 1
# Bytes of run lengths in memory where frames are not kept.
_LIMIT = 1 << 16


class VideoResult:
    """Tracks of a video, gathered frame by frame.

    Args:
        source (FrameSource): Gives the name and the names of the frames' files.
        class_names (Sequence[str] | None): Names by label.
        category_ids (Sequence[int] | None): Ids in files, by label; from 1 by default,
            as YouTube-VIS has them.
        keep_frames (bool): Whether ``frames`` is filled. Without them memory does not
            grow with frames: masks go to a temporary file.

    Attributes:
        name (str): The source's.
        class_names (tuple[str] | None): Names by label.
        num_frames (int): Frames that came, damaged ones among them.
        size (tuple[int, int] | None): Height and width of a frame in pixels.
        frames (list[FrameResult]): Of each frame that could be read.
        damaged (dict[int, str]): What is wrong with the others, by number.
        files (dict[str, Path]): What was written, by kind.
        codec (str | None): Of the mp4, 'h264' or 'mp4v', where there is one.
    """

    def __init__(
        self,
        source: FrameSource,
        class_names: Sequence[str] | None = None,
        category_ids: Sequence[int] | None = None,
        keep_frames: bool = True,
    ) -> None:
        self.name = source.name
        self.class_names = None if class_names is None else tuple(class_names)
        self.num_frames = 0
        self.size: tuple[int, int] | None = None
        self.frames: list[FrameResult] = []
        self.damaged: dict[int, str] = {}
        self.files: dict[str, Path] = {}
        self.codec: str | None = None
        self._category_ids = category_ids
        self._file_names = source.file_names
        self._keep = keep_frames
        self._tracks: VideoTracks | None = None
        self._num_labels = 0

    def __len__(self) -> int:
        return self.num_frames

    def add(self, result: FrameResult) -> None:
        """Take the next frame."""
        if self._tracks is None:
            self.size = result.size
            limit = math.inf if self._keep else _LIMIT
            self._tracks = VideoTracks(VIDEO_ID, None, result.size, limit)
            for frame in range(self.num_frames):  # damaged ones before the first
                self._tracks.add_frame(frame, result[:0].to_tracks())
        self._tracks.add_frame(result.frame_id, result.to_tracks())
        self.num_frames += 1
        if len(result):
            self._num_labels = max(self._num_labels, int(result.labels.max()) + 1)
        if self._keep:
            self.frames.append(result)

    def skip(self, index: int, damage: str) -> None:
        """Take a frame that could not be read."""
        self.damaged[index] = damage
        if self._tracks is not None:
            nothing: dict[str, list] = dict(
                scores=[], labels=[], instances_id=[], masks=[]
            )
            self._tracks.add_frame(index, nothing)
        self.num_frames += 1

    @property
    def category_ids(self) -> list[int]:
        """Ids in files, by label."""
        if self._category_ids is not None:
            return list(self._category_ids)
        number = self._num_labels if self.class_names is None else len(self.class_names)
        return [self.category_id(label) for label in range(number)]

    def category_id(self, label: int) -> int:
        """The id in files of a label, which need not have come yet."""
        return label + 1 if self._category_ids is None else self._category_ids[label]

    def to_youtube_vis(
        self, score: float = 0.0, classes: Sequence[int] | None = None
    ) -> list[dict]:
        """Tracks in the form of a YouTube-VIS results.json.

        Args:
            score (float): Tracks with a lower mean score are left out.
            classes (Sequence[int], optional): Labels of the tracks to keep.

        Returns:
            list[dict]: video_id (1), category_id, score, and segmentations: an RLE or
            None for each frame; the best first.
        """
        return list(self.iter_youtube_vis(score, classes))

    def iter_youtube_vis(
        self, score: float = 0.0, classes: Sequence[int] | None = None
    ) -> Iterator[dict]:
        """As :meth:`to_youtube_vis`, a track at a time: all may be too much at once."""
        if self._tracks is None:  # not even a frame has come
            return iter(())
        tracks = map(self._tracks.with_counts, self._chosen(score, classes))
        videos = [dict(self._tracks.about(), tracks=tracks)]
        return official_results(videos, self.category_ids)

    def track_ids(
        self, score: float = 0.0, classes: Sequence[int] | None = None
    ) -> list[int]:
        """The id of each track of :meth:`to_youtube_vis`, in its order.

        It is what frames, the mp4 and folders of masks call the track; a results.json
        has no place for it.
        """
        return [int(track['id']) for track in self._chosen(score, classes)]

    def track_labels(self) -> dict[int, int]:
        """The label of each track that ever has a pixel, by its id."""
        tracks = self._chosen(0.0, None)
        return {int(track['id']): int(track['label']) for track in tracks}

    def _chosen(self, score: float, classes: Sequence[int] | None) -> list[dict]:
        """Some tracks without their masks, the best first; none before a frame."""
        if self._tracks is None:
            return []
        tracks = [t for t in self._tracks.without_counts() if t['score'] >= score]
        if classes is not None:
            tracks = [track for track in tracks if track['label'] in classes]
        return sorted(tracks, key=lambda track: -track['score'])

    def annotation_file(self) -> dict:
        """The annotation file that results refer to: the video and the categories."""
        height, width = self.size or (0, 0)
        names = self._file_names or [
            f'{self.name}/{frame:05d}.jpg' for frame in range(self.num_frames)
        ]
        labels = self.class_names or [
            f'class {i}' for i, _ in enumerate(self.category_ids)
        ]
        return dict(
            info=dict(description=f'{self.name}, predicted by mmvis'),
            videos=[
                dict(
                    id=VIDEO_ID,
                    name=self.name,
                    width=width,
                    height=height,
                    length=self.num_frames,
                    file_names=names[: self.num_frames],
                )
            ],
            categories=[
                dict(id=number, name=name)
                for number, name in zip(self.category_ids, labels, strict=True)
            ],
        )


def write_json(path: str | os.PathLike, content: object) -> None:
    """Write a json file that is either whole or not there.

    Raises:
        OSError: It cannot be written.
    """
    with whole_file(path) as file:
        json.dump(content, file, allow_nan=False)
