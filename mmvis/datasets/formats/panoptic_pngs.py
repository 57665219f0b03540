"""VIPSeg and BDD100K: PNGs whose pixels tell category and instance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mmvis.structures.rle import encode_masks

from ..converters.image_folders import folders_in, images_in
from . import bdd_labels
from .contents import Contents, Track, Video
from .frame_folders import Frames
from .options import Options
from .text_files import read_json

# Things of VIPSeg are written as category * 100 + instance, stuff as the category.
_LAST_STUFF, _PER_CATEGORY = 124, 100
_BDD_CLASSES = [
    'pedestrian',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
]
_BDD_CROWD, _BDD_IGNORED = 2, 1


def recognise_vipseg(source: Path) -> str | None:
    if (source / 'panomasks').is_dir():
        return f"'{source}' has a folder 'panomasks', as VIPSeg"
    return None


def read_vipseg(source: Path, frames: Frames, options: Options) -> Contents:
    """Things, which ``panoVIPSeg_categories.json`` names; stuff has no instances."""
    path = source / 'panoVIPSeg_categories.json'
    records = read_json(path)
    # Masks count categories from 1, 0 being void; the file counts from 0.
    shift = 1 if min(record['id'] for record in records) == 0 else 0
    names = {record['id'] + shift: record['name'] for record in records}

    def decode(value: int) -> tuple[str, str, int] | None:
        if value <= _LAST_STUFF:
            return None
        category = value // _PER_CATEGORY
        if category not in names:
            raise ValueError(f"the value {value} is of a category that '{path}' lacks")
        return names[category], str(value), 0

    things = [names[k] for k in sorted(names)]
    of_things = {r['name'] for r in records if r.get('isthing', 1)}
    contents = Contents([], [name for name in things if name in of_things])
    _read(source / 'panomasks', _integers, decode, frames, contents, 'images')
    contents.notes.append('stuff of VIPSeg is left out: it has no instances.')
    return contents


def recognise_bdd(source: Path) -> str | None:
    folder = _bdd_folder(source)
    if folder is None:
        return bdd_labels.recognise(source)
    return f"'{folder}' holds bitmasks, as BDD100K"


def _bdd_folder(source: Path) -> Path | None:
    """The folder of videos: ``bitmasks``, or one of its splits."""
    for folder in (source, source / 'bitmasks'):
        if 'bitmasks' not in folder.parts or not folder.is_dir():
            continue
        for split in (folder, folder / 'train', folder / 'val'):
            if split.is_dir() and any(
                images_in(split / video, ('.png',)) for video in folders_in(split)
            ):
                return split
    return None


def read_bdd(source: Path, frames: Frames, options: Options) -> Contents:
    """Bitmasks, or jsons of run lengths.

    Red is the category, green the attributes, blue and alpha the instance.

    What is a crowd or to be ignored is a crowd; categories other than the benchmark's
    eight are left out.
    """
    folder = _bdd_folder(source)
    if folder is None and bdd_labels.recognise(source):
        return bdd_labels.read(source, frames, options, _BDD_CLASSES)
    if folder is None:
        raise ValueError(
            f"'{source}' has no folder 'bitmasks' with PNGs of videos, and no jsons "
            'with run lengths.'
        )
    names = dict(enumerate(_BDD_CLASSES, start=1))

    def decode(value: int) -> tuple[str, str, int] | None:
        category, attributes = value >> 24, value >> 16 & 255
        if not category:
            return None
        crowd = bool(attributes & (_BDD_CROWD | _BDD_IGNORED))
        if category not in names:
            return None
        return names[category], str(value & 0xFFFF), int(crowd)

    contents = Contents([], list(_BDD_CLASSES))
    _read(folder, _rgba, decode, frames, contents, f'images/{folder.name}', folder.name)
    return contents


def _integers(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(np.int64)


def _rgba(path: Path) -> np.ndarray:
    """red * 2^24 + green * 2^16 + blue * 2^8 + alpha."""
    with Image.open(path) as image:
        if image.mode != 'RGBA':
            raise ValueError(f'it is {image.mode}, four channels are expected')
        channels = np.asarray(image).astype(np.int64)
    return channels @ np.array([1 << 24, 1 << 16, 1 << 8, 1])


def _read(
    folder: Path,
    pixels_of: Callable[[Path], np.ndarray],
    decode: Callable[[int], tuple[str, str, int] | None],
    frames: Frames,
    contents: Contents,
    *image_folders: str,
) -> None:
    for name in folders_in(folder):
        places = [f'{place}/{name}' for place in image_folders]
        listed = {Path(n).stem: n for n in frames.of_video(*places, name)}
        masks = images_in(folder / name, ('.png',))
        stray = [stem for stem in masks if stem not in listed]
        if stray:
            raise FileNotFoundError(
                f"There is no frame '{stray[0]}' of '{folder / name}' in "
                f"'{frames.root}': give the folder with --frames."
            )
        names = [listed[stem] for stem in masks]
        height, width = frames.size(names)
        tracks: dict[str, Track] = {}
        for frame, file in enumerate(masks.values()):
            path = folder / name / file
            try:
                pixels = pixels_of(path)
                if pixels.shape != (height, width):
                    raise ValueError(f'it is of size {pixels.shape}')
                for value in np.unique(pixels).tolist():
                    meaning = decode(value)
                    if meaning is None:
                        continue
                    category, identity, crowd = meaning
                    key = f'{category} {identity}'
                    track = tracks.setdefault(key, Track(category, {}, identity))
                    track.iscrowd |= crowd
                    track.masks[frame] = encode_masks((pixels == value)[None])[0]
            except (ValueError, OSError) as error:
                raise ValueError(f"The mask '{path}': {error}.") from None
        contents.videos.append(Video(name, names, height, width, list(tracks.values())))
