"""Images in folders: their names, and the sizes of frames."""

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..frame_files import natural_order
from ..validation.orientation import (
    AMBIGUOUS,
    displayed_size,
    exif_orientation,
    is_ambiguous,
)
from .png_pixels import unreadable


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, in natural order, without hidden ones."""
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    return sorted((n for n in names if not n.startswith('.')), key=natural_order)


def images_in(folder: Path, suffixes: Sequence[str]) -> dict[str, str]:
    """{name without suffix: name} of the images in a folder, in natural order.

    Raises:
        ValueError: two of them differ in their suffix only.
    """
    found: dict[str, str] = {}
    for name in sorted(os.listdir(folder), key=natural_order):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in suffixes and not name.startswith('.'):
            if stem in found:
                raise ValueError(
                    f"'{folder}' has two files for one frame, '{found[stem]}' and "
                    f"'{name}': take one of them away."
                )
            found[stem] = name
    return found


def common_size(paths: Sequence[Path]) -> tuple[tuple[int, int], list[Path]]:
    """The size of all frames of a video as they are displayed, and as mmvis reads them.

    Args:
        paths: of the frames, at least one.

    Returns:
        (height, width), and the frames that their EXIF orientation turns.

    Raises:
        ValueError: a frame cannot be read, is of another size than the first, or has an
            orientation that only some programs follow.
    """
    first: tuple[int, int] | None = None
    turned: list[Path] = []
    for path in paths:
        size, orientation = _size(path)
        first = first or size
        if size != first:
            raise ValueError(
                f"The frame '{path}' is {size[1]}x{size[0]} (width x height), the "
                f'first of its video {first[1]}x{first[0]}: a video has one size.'
            )
        if orientation != 1:
            turned.append(path)
    if first is None:
        raise ValueError('A video without a frame has no size.')
    return first, turned


def _size(path: Path) -> tuple[tuple[int, int], int]:
    """(height, width) as displayed, and the EXIF orientation; the header is read."""
    try:
        with open(path, 'rb') as file, Image.open(file) as image:
            orientation = exif_orientation(file, image)
            ambiguous = is_ambiguous(image, orientation)
            size = displayed_size(image, orientation)
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        raise ValueError(f"The frame '{path}' {unreadable(error)}") from None
    if ambiguous:
        raise ValueError(f"The frame '{path}' {AMBIGUOUS.format(orientation)}.")
    return size, orientation
