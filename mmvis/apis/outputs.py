"""Files of a predicted video: mp4, json, masks, contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from mmvis.structures.frame_result import FrameResult, labels_of
from mmvis.visualization.draw import display_scale, draw_tracks
from mmvis.visualization.video_writer import Mp4Writer

from .output_places import check_places
from .requests import check_score, output_paths
from .video_result import VideoResult, write_json
from .video_sheet import VideoSheet


class VideoOutputs:
    """Writes a video's files while it is predicted; each is whole after ``close``.

    Args:
        out (Path): ``name.mp4``: files are ``name.mp4``, ``name.json``,
            ``name_video.json`` (the annotation file that the results refer to),
            ``name_masks/`` and ``name_sheet.jpg``. Anything else is a folder in which
            they are called after the video.
        kinds (Sequence[str]): Of 'mp4', 'json', 'masks', 'sheet'.
        video (VideoResult): Gets the paths; its tracks are what the json holds.
        fps (float): Of the mp4.
        score (float): Lowest score of an instance that is drawn or written.
        classes (Sequence[str | int], optional): Only these.
        source (Path, optional): The file that the frames come from, if it is one.
        length (int, optional): Number of frames, if known.

    Raises:
        ValueError: There is no such kind, class or score, ``out`` is a file of another
            kind, or files cannot be written there; see :func:`check_places`.
    """

    def __init__(
        self,
        out: Path,
        kinds: Sequence[str],
        video: VideoResult,
        fps: float,
        score: float = 0.3,
        classes: Sequence[str | int] | None = None,
        source: Path | None = None,
        length: int | None = None,
    ) -> None:
        check_score(score)
        self._paths, stem = output_paths(out, kinds, video.name)
        self._video, self._score = video, score
        self._labels = (
            None if classes is None else labels_of(classes, video.class_names)
        )
        check_places(self._paths, stem, source)
        mp4 = self._paths.get('mp4')
        self._mp4 = None if mp4 is None else Mp4Writer(mp4, fps)
        self._sheet = VideoSheet(length) if 'sheet' in self._paths else None
        self._latest: np.ndarray | None = None
        self._missed = 0

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        """Take the next frame (h, w, 3) uint8 BGR and what is in it."""
        result = result.above(self._score)
        if self._labels is not None:
            result = result.of_classes(self._labels)
        if self._mp4 is not None:
            self._draw(self._mp4, image, result)
        if self._sheet is not None:
            self._sheet.add(image, result)
        if 'masks' in self._paths:
            _write_masks(self._paths['masks'], result)

    def _draw(self, mp4: Mp4Writer, image: np.ndarray, result: FrameResult) -> None:
        drawn = draw_tracks(
            image,
            result.rles,
            result.ids,
            result.labels,
            result.scores,
            result.class_names,
            scale=display_scale(image.shape[1]),
        )
        # Where the first frames were damaged, the first good one stands for them.
        for _ in range(self._missed + 1):
            mp4.write(drawn)
        self._missed, self._latest = 0, drawn

    def repeat(self) -> None:
        """A damaged frame: the one before is shown again, so that times stay right."""
        if self._mp4 is not None and self._latest is not None:
            self._mp4.write(self._latest)
        else:
            self._missed += 1

    def close(self) -> None:
        """Finish all files with the frames so far.

        One that cannot be written does not keep the others from it.
        """
        with ExitStack() as finishing:  # calls them in the opposite order
            finishing.callback(self._close_sheet)
            finishing.callback(self._close_masks)
            finishing.callback(self._close_json)
            finishing.callback(self._close_mp4)

    def _close_mp4(self) -> None:
        if self._mp4 is not None:
            self._mp4.close()
            if self._mp4.num_frames:
                self._video.files['mp4'] = self._paths['mp4']

    def _close_json(self) -> None:
        video = self._video
        # Without a frame that could be read there is not even a size.
        if 'json' in self._paths and video.size is not None:
            path = self._paths['json']
            about = path.with_name(f'{path.stem}_video.json')
            write_json(path, video.to_youtube_vis(self._score, self._labels))
            ids = video.track_ids(self._score, self._labels)
            write_json(about, dict(video.annotation_file(), track_ids=ids))
            video.files.update(json=path, video=about)

    def _close_masks(self) -> None:
        if 'masks' in self._paths and self._paths['masks'].is_dir():
            self._video.files['masks'] = self._paths['masks']

    def _close_sheet(self) -> None:
        if self._sheet is not None and not self._sheet.empty:
            name, frames = self._video.name, self._video.num_frames
            page = self._sheet.page(f'{name} ({frames} frames)')
            if not cv2.imwrite(str(self._paths['sheet']), page):
                raise OSError(f'{self._paths["sheet"]} cannot be written.')
            self._video.files['sheet'] = self._paths['sheet']


def _write_masks(folder: Path, result: FrameResult) -> None:
    """A PNG (0 and 255) for each instance: <folder>/<id>/<frame>.png."""
    for track, mask in zip(result.ids.tolist(), result.masks, strict=True):
        path = folder / f'{track:04d}' / f'{result.frame_id:05d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), mask.astype(np.uint8) * 255):
            raise OSError(f'{path} cannot be written.')
