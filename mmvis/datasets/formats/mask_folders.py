"""DAVIS and YouTube-VOS: folders of palette PNGs."""

from __future__ import annotations

from pathlib import Path

from ..converters.image_folders import folders_in, images_in
from ..converters.mask_folders import read_mask_folders
from .frame_folders import Frames
from .options import Options

_RESOLUTIONS = ('480p', 'Full-Resolution', '1080p')


def _places(source: Path) -> tuple[Path, Path]:
    """The folders of masks and of frames below the root of a set, or of a split."""
    masks, frames = source, source
    if (source / 'Annotations').is_dir():
        masks, frames = source / 'Annotations', source / 'JPEGImages'
        for name in _RESOLUTIONS:
            if (masks / name).is_dir() and (frames / name).is_dir():
                return masks / name, frames / name
    return masks, frames


def recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    masks, _ = _places(source)
    for name in folders_in(masks):
        if images_in(masks / name, ('.png',)) and masks != source:
            return f"'{masks / name}' holds PNG masks beside JPEGImages, as DAVIS"
    return None


def read(source: Path, frames: Frames, options: Options) -> dict:
    """The root of the set, of a split, or the folder of masks itself."""
    masks, images = _places(source)
    if masks != source and frames.root == source:
        frames.root = images
    categories = options.categories
    for name in ('meta.json', 'categories.json'):
        if categories is None and (source / name).is_file():
            categories = str(source / name)
            frames.notes.append(f"categories are those of '{categories}'.")
    return read_mask_folders(
        masks,
        frames.root,
        options.category,
        categories,
        all_frames=options.all_frames,
    )
