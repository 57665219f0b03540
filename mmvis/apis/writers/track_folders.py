"""masks and crops: a folder a track, with an image for each frame that shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import rle_to_bbox
from mmvis.visualization.picture_files import write_picture

from ..video_result import VideoResult
from .writer import Writer

_LONGEST_NAME = 60


class _TrackFolders(Writer):
    """Folders ``<id>_<category>``, named when a track's category is known: at the end.

    Until then, and where categories have no names, they are called by the id.
    """

    kind: str
    suffix: str

    def __init__(self, path: Path, video: VideoResult) -> None:
        super().__init__(path, video)
        self._labels: dict[int, int] = {}

    def put(self, result: FrameResult, row: int, picture: np.ndarray) -> None:
        """Write a picture of an instance."""
        track = int(result.ids[row])
        self._labels[track] = int(result.labels[row])
        name = f'{result.frame_id:05d}{self.suffix}'
        path = self.path / f'{track:04d}' / name
        write_picture(path, picture)

    def close(self) -> Mapping[str, Path]:
        if not self.path.is_dir():
            return {}
        labels = self._labels | self.video.track_labels()
        for track in self._labels:
            folder = self.path / f'{track:04d}'
            name = folder_name(track, self.video.class_names, labels[track])
            if folder.name != name and folder.is_dir():
                folder.rename(self.path / name)
        return {self.kind: self.path}


class MaskFolders(_TrackFolders):
    """``name_masks/<id>_<category>/<frame>.png``: 0 and 255."""

    kind, suffix = 'masks', '.png'

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        for row, mask in enumerate(result.masks):
            self.put(result, row, mask.astype(np.uint8) * 255)


class CropFolders(_TrackFolders):
    """``name_crops/<id>_<category>/<frame>.jpg``: the frame inside the mask's box."""

    kind, suffix = 'crops', '.jpg'

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        boxes = rle_to_bbox(list(result.rles)).astype(int)
        for row, (x0, y0, x1, y1) in enumerate(boxes):
            if x1 > x0 and y1 > y0:
                self.put(result, row, image[y0:y1, x0:x1])


def folder_name(track: int, class_names: tuple[str, ...] | None, label: int) -> str:
    """``0003_person``: what no file system takes becomes an underscore."""
    if class_names is None:
        return f'{track:04d}'
    name = re.sub(r'[^\w.-]+', '_', class_names[label]).strip('._')[:_LONGEST_NAME]
    return f'{track:04d}_{name}' if name else f'{track:04d}'
