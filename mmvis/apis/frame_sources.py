"""Where frames come from: video files, folders, arrays, iterators, cameras."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .animations import AnimatedSource, is_animated
from .errors import (
    DamagedFrameError,
    NoFramesError,
    SourceNotFoundError,
    UnreadableSourceError,
)
from .frames import Frame, FrameSource
from .image_sources import IMAGE_SUFFIXES, FolderSource, ImagesSource
from .video_sources import (
    PROTOCOLS,
    AddressSource,
    CameraSource,
    VideoFileSource,
    open_video,
)

__all__ = [
    'DamagedFrameError',
    'Frame',
    'FrameSource',
    'NoFramesError',
    'SourceNotFoundError',
    'UnreadableSourceError',
    'VideoFileSource',
    'open_source',
]


def open_source(source: Any, reconnect: int = 0) -> FrameSource:
    """A source of frames.

    Args:
        source: A video file, an animated WebP or PNG; a folder of images (any names,
            natural order); an image file; a camera's number or device; a named pipe; an
            address (rtsp://, http://, udp://, ...); a sequence or any other
            iterable of images, each a (h, w, 3) or (h, w) uint8 BGR array or a path; or
            a FrameSource.
        reconnect (int): So often in a row an address that was lost is opened again.

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
        protocol, slashes, _ = str(source).partition('://')
        if slashes and protocol.lower() in PROTOCOLS:
            return AddressSource(str(source), reconnect)
        path = Path(source).expanduser()
        if not path.exists():
            raise SourceNotFoundError(
                f'{source} does not exist (looked for it from {os.getcwd()}).'
            )
        if path.is_dir():
            return FolderSource(path)
        if not path.is_file():  # a device, or a named pipe
            return CameraSource(path)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            if is_animated(path):
                return AnimatedSource(path)
            return ImagesSource([path], path.stem)
        return open_video(path)
    if isinstance(source, np.ndarray) and source.ndim == 4:
        source = list(source)
    if isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        return ImagesSource(source)
    raise UnreadableSourceError(
        f'{type(source).__name__} is no source of frames: give a video file, a folder '
        'of images, a list or iterator of arrays or paths, or the number of a camera.'
    )
