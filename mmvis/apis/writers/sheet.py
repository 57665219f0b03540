"""sheet: some frames of the video on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.visualization.picture_files import write_picture

from ..video_result import VideoResult
from ..video_sheet import VideoSheet
from .writer import Writer


class SheetFile(Writer):
    """Writes ``name_sheet.jpg``."""

    def __init__(self, path: Path, video: VideoResult, length: int | None) -> None:
        super().__init__(path, video)
        self._sheet = VideoSheet(length)

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        self._sheet.add(image, result)

    def close(self) -> Mapping[str, Path]:
        if self._sheet.empty:
            return {}
        name, frames = self.video.name, self.video.num_frames
        page = self._sheet.page(f'{name} ({frames} frames)')
        write_picture(self.path, page)
        return dict(sheet=self.path)
