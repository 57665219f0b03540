"""Frames that are images: of a folder, a list, an iterator, an animation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.datasets.frame_files import image_damage, natural_order

from .errors import NoFramesError
from .frames import Frame, FrameSource

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')


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
        import cv2

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
