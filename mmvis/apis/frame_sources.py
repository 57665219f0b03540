"""Where frames come from: video files, folders, arrays, iterators, cameras."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmvis.datasets.frame_files import image_damage, natural_order

from .errors import (
    DamagedFrameError,
    NoFramesError,
    SourceNotFoundError,
    UnreadableSourceError,
)

__all__ = [
    'DamagedFrameError',
    'Frame',
    'FrameSource',
    'NoFramesError',
    'SourceNotFoundError',
    'UnreadableSourceError',
    'open_source',
]

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
# So many unreadable frames in a row are taken for the end of a video file: the number
# of frames that its header states is often too large.
_LOST_AT_MOST = 50


class Frame(NamedTuple):
    """A frame of a source.

    Attributes:
        index (int): Its number, from 0; damaged frames are counted.
        image (np.ndarray | None): (h, w, 3) uint8 BGR; None when it is damaged.
        damage (str | None): What is wrong with it, as a sentence.
    """

    index: int  # type: ignore[assignment]  # a tuple's method of this name
    image: np.ndarray | None
    damage: str | None = None


class FrameSource:
    """Frames in their order, with what is known of them.

    Attributes:
        name (str): A short name, good for a file.
        fps (float | None): Frames a second, where there is such a thing.
        length (int | None): Number of frames, where it is known before.
        file_names (list[str] | None): Of the frames, where they are files, relative to
            the folder that holds the source's folder.
        path (Path | None): The video file, where the source is one.
    """

    name = 'video'
    fps: float | None = None
    length: int | None = None
    file_names: list[str] | None = None
    path: Path | None = None

    def __iter__(self) -> Iterator[Frame]:
        raise NotImplementedError


def open_source(source: Any) -> FrameSource:
    """A source of frames.

    Args:
        source: A video file; a folder of images (any names, natural order); an image
            file; a camera's number; a sequence or any other iterable of images, each a
            (h, w, 3) or (h, w) uint8 BGR array or a path; or a FrameSource.

    Raises:
        SourceNotFoundError: There is no such file or folder.
        UnreadableSourceError: It cannot be opened.
        NoFramesError: A folder without images or an empty sequence.
    """
    if isinstance(source, FrameSource):
        return source
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        return CameraSource(int(source))
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if not path.exists():
            raise SourceNotFoundError(
                f'{source} does not exist (looked for it from {os.getcwd()}).'
            )
        if path.is_dir():
            return FolderSource(path)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return ImagesSource([path], path.stem)
        return VideoFileSource(path)
    if isinstance(source, np.ndarray) and source.ndim == 4:
        source = list(source)
    if isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        return ImagesSource(source)
    raise UnreadableSourceError(
        f'{type(source).__name__} is no source of frames: give a video file, a folder '
        'of images, a list or iterator of arrays or paths, or the number of a camera.'
    )


class ImagesSource(FrameSource):
    """Images of a sequence or an iterator: arrays, or paths of files."""

    def __init__(self, images: Iterable, name: str = 'video') -> None:
        self.name = name
        self._images = images
        if isinstance(images, Sequence):
            self.length = len(images)
            if not images:
                raise NoFramesError('The list of frames is empty.')

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(self._images):
            if isinstance(image, (str, os.PathLike)):
                yield _frame_of_file(index, os.fspath(image))
            else:
                yield _frame_of_array(index, image)


class FolderSource(ImagesSource):
    """Images of a folder in the natural order of their names: 9 comes before 10.

    Hidden files are none of them: some systems put one beside each image.
    """

    def __init__(self, folder: Path) -> None:
        paths = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')
        ]
        paths.sort(key=lambda path: natural_order(path.name))
        if not paths:
            inside = ', '.join(sorted(p.name for p in folder.iterdir())[:3])
            has = f'it has {inside}, ...' if inside else 'it is empty'
            raise NoFramesError(
                f'The folder {folder} has no images ({", ".join(IMAGE_SUFFIXES)}): '
                f'{has}.'
            )
        super().__init__(paths, folder.resolve().name)
        self.file_names = [f'{self.name}/{path.name}' for path in paths]


class _CaptureSource(FrameSource):
    """What OpenCV opens as a video."""

    def _open(self, what: int | str, error: str) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(what)
        if not capture.isOpened():
            capture.release()
            raise UnreadableSourceError(error)
        return capture


class CameraSource(_CaptureSource):
    """A camera by its number; it ends when the camera does."""

    def __init__(self, number: int) -> None:
        self.name = f'camera{number}'
        self._capture = self._open(number, f'Camera {number} cannot be opened.')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if fps > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        try:
            for index in count():
                there, image = self._capture.read()
                if not there:
                    return
                yield Frame(index, image)
        finally:
            self._capture.release()


class VideoFileSource(_CaptureSource):
    """A video file, by whatever codecs OpenCV was built with."""

    path: Path

    def __init__(self, path: Path) -> None:
        self.name, self.path = path.stem, path
        capture = self._open_file()
        fps = capture.get(cv2.CAP_PROP_FPS)
        # Files without a rate give 0, nan or huge numbers.
        self.fps = fps if 0 < fps < 1000 else None
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(stated) if 0 < stated < 2**31 else None
        there, _ = capture.read()
        capture.release()
        if not there and not self.length:
            raise NoFramesError(f'The video {path} has no frame.')
        if not there:
            raise UnreadableSourceError(
                f'{path} is said to have {self.length} frames, but the first cannot be '
                'decoded: its codec may be missing from this OpenCV. Convert it, with '
                f'"ffmpeg -i {path.name} -c:v libx264 -pix_fmt yuv420p new.mp4" for '
                'example.'
            )

    def _open_file(self) -> cv2.VideoCapture:
        size = self.path.stat().st_size
        if size == 0:
            raise UnreadableSourceError(f'{self.path} is empty (0 bytes).')
        return self._open(
            str(self.path),
            f'{self.path} cannot be opened as a video: it is damaged, no video, or of '
            'a codec that this OpenCV lacks.',
        )

    def __iter__(self) -> Iterator[Frame]:
        capture, index, lost = self._open_file(), 0, 0
        try:
            while lost < _LOST_AT_MOST:
                there, image = capture.read()
                if there:
                    # Only what is followed by a good frame was inside of the video.
                    for damaged in range(index, index + lost):
                        damage = f'Frame {damaged} of {self.path} cannot be decoded.'
                        yield Frame(damaged, None, damage)
                    index += lost
                    yield Frame(index, image)
                    index, lost = index + 1, 0
                elif self.length is not None and index + lost < self.length:
                    lost += 1
                else:
                    break
            if self.length is not None and index < self.length:
                warnings.warn(
                    f'{self.path} is said to have {self.length} frames, but ends '
                    f'after {index}.'
                )
        finally:
            capture.release()


def _frame_of_file(index: int, path: str) -> Frame:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return Frame(index, None, f'Frame {index}, {path}, does not exist.')
    except OSError as error:
        reason = f'Frame {index}, {path}, cannot be read: {error.strerror}.'
        return Frame(index, None, reason)
    damage = image_damage(data)
    image = None
    if damage is None:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        damage = 'cannot be decoded' if image is None else None
    if damage is not None:
        return Frame(index, None, f'Frame {index}, {path}, {damage}.')
    return Frame(index, image)


def _frame_of_array(index: int, image: Any) -> Frame:
    image = np.asarray(image)
    if image.dtype == np.uint8 and image.size and image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return Frame(
            index,
            None,
            f'Frame {index} is {image.dtype} of shape {image.shape}, not a (h, w, 3) '
            'uint8 BGR image.',
        )
    if not image.size:
        return Frame(index, None, f'Frame {index} has no pixel.')
    return Frame(index, image)
