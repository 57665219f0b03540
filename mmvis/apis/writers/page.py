"""html: a page that plays the video, with tracks that can be switched."""

from __future__ import annotations

import base64
import html
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks
from mmvis.structures.whole_file import whole_file
from mmvis.visualization.colours import id_colour

from ..video_result import VideoResult
from .drawn_video import FilledVideo
from .writer import Writer

TEMPLATE = Path(__file__).with_name('page_template.html')
# Wider or higher than this frames and masks are reduced: pages are seen on screens.
_LONGEST_SIDE = 1280
# A multiple of 3, so that the pieces' base64 is that of the whole.
_PIECE = 3 << 18


class VideoPage(Writer):
    """Writes ``name.html``: one file that needs neither network nor server.

    The video is in it as H.264, masks as run lengths which the page draws. Both go to
    files while the video runs, so that memory stays constant.
    """

    def __init__(self, path: Path, video: VideoResult, fps: float) -> None:
        super().__init__(path, video)
        self._fps = fps
        self._folder = tempfile.TemporaryDirectory(
            prefix=f'.{path.stem[:40]}_', dir=path.parent
        )
        work = Path(self._folder.name)
        self._clean = FilledVideo(work / 'clean.mp4', fps)
        self._masks: IO[str] = (work / 'masks.txt').open('w+', encoding='utf-8')
        self._labels: dict[int, int] = {}
        self._size: tuple[int, int] | None = None

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        height, width = image.shape[:2]
        ratio = min(1.0, _LONGEST_SIDE / max(height, width))
        rles = list(result.rles)
        if ratio < 1:
            # Even, so that frames are not padded and masks stay where they are.
            height, width = (max(2, round(n * ratio / 2) * 2) for n in (height, width))
            size = (width, height)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            small = [
                cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
                for mask in result.masks
            ]
            rles = encode_masks(np.stack(small)) if small else []
        self._size = (height, width)
        self._clean.write(image)
        self._labels |= zip(result.ids.tolist(), result.labels.tolist(), strict=True)
        self._put(
            [track, label, round(score, 3), rle['counts'].decode()]
            for track, label, score, rle in zip(
                result.ids.tolist(),
                result.labels.tolist(),
                result.scores.tolist(),
                rles,
                strict=True,
            )
        )

    def repeat(self) -> None:
        self._clean.repeat()
        self._put([])

    def _put(self, instances: Iterator[list] | list) -> None:
        before = ',\n' if self._masks.tell() else ''
        self._masks.write(before + json.dumps(list(instances), separators=(',', ':')))

    def close(self) -> Mapping[str, Path]:
        with self._folder:
            self._clean.file.close()
            if self._size is None:
                self._masks.close()
                return {}
            with self._masks, whole_file(self.path) as page:
                for piece in self._pieces():
                    page.write(piece)
        return dict(html=self.path)

    def _pieces(self) -> Iterator[str]:
        """The page's text, a piece at a time."""
        fillings = {
            'TITLE': lambda: iter([html.escape(self.video.name)]),
            'ABOUT': self._about,
            'FRAMES': self._lines,
            'VIDEO': self._base64,
        }
        rest = TEMPLATE.read_text(encoding='utf-8')
        while '@@' in rest:
            before, key, rest = rest.split('@@', 2)
            yield before
            yield from fillings[key]()
        yield rest

    def _about(self) -> Iterator[str]:
        """What the page says of the video and its tracks, as json inside a script."""
        assert self._size is not None  # there was a frame
        labels = self._labels | self.video.track_labels()
        names = self.video.class_names
        about = dict(
            name=self.video.name,
            height=self._size[0],
            width=self._size[1],
            fps=self._fps,
            frames=self._clean.file.num_frames,
            damaged=sorted(self.video.damaged),
            names=None if names is None else list(names),
            tracks=[
                dict(id=track, label=labels[track], colour=id_colour(track)[::-1])
                for track in sorted(self._labels)
            ],
        )
        # A name may have what ends a script.
        yield json.dumps(about).replace('<', '\\u003c')

    def _lines(self) -> Iterator[str]:
        # Run lengths have neither / nor !: nothing in them ends a script.
        self._masks.seek(0)
        yield from iter(lambda: self._masks.read(_PIECE), '')

    def _base64(self) -> Iterator[str]:
        with Path(self._folder.name, 'clean.mp4').open('rb') as file:
            for data in iter(lambda: file.read(_PIECE), b''):
                yield base64.b64encode(data).decode('ascii')
