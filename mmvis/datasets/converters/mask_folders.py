"""Folders of mask images, as of DAVIS and YouTube-VOS, as an annotation file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from mmvis.structures import AnnotationWarning
from mmvis.structures.frame_names import json_name
from mmvis.structures.rle import RLE

from ..frame_files import natural_order
from .mask_images import objects_of, read_binary_mask, read_mask_image, unreadable
from .object_categories import ObjectCategories
from .records import object_record, video_record, write_annotation_file

_FRAMES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
_MASKS = ('.png',)


def convert_mask_folders(
    masks: str | Path,
    frames: str | Path,
    out: str | Path,
    category: str = 'object',
    categories: str | Path | None = None,
    void: int | None = 255,
    all_frames: bool = False,
    workers: int | None = None,
    progress: bool = False,
) -> dict:
    """Write an annotation file for folders of mask images.

    ``<masks>/<video>/<frame>.png`` shows all objects of
    ``<frames>/<video>/<frame>.jpg`` (or .png, ...): indexed or grey, a value an object
    and 0 the background, or colour-coded, a colour an object and black the background.
    Or each object has its own folder of binary masks,
    ``<masks>/<video>/<object>/<frame>.png``. Videos and frames are put in natural
    order.

    Args:
        masks: Folder of masks.
        frames: Folder of frames, which the ``file_names`` are relative to. Videos that
            have no masks are left out.
        out: The json to write.
        category: Name of the category of all objects.
        categories: A file that has each object's category instead; see
            ``ObjectCategories``. Objects are named as in ``objects_of``, or as their
            folder.
        void: Value of pixels that belong to nothing, in indexed and grey masks; they
            become background. In a video without other values it is an object.
        all_frames: Take frames without a mask image, too: they show no object. By
            default they count as not annotated and are left out.
        workers: Threads that read; by default one a core. They change nothing.
        progress: Show a progress bar.

    Returns:
        dict: What was written. Objects have their name as ``object``, videos as
        ``name``.

    Raises:
        FileNotFoundError: A folder or a frame is missing.
        ValueError: Masks that cannot be used, or an object without a category; the
            message names file or video.
    """
    category_of = ObjectCategories(category, categories)
    names = _videos(Path(masks), Path(frames))
    read = partial(_read_video, Path(masks), Path(frames), void, all_frames)
    content: dict = dict(
        info=dict(description='converted from mask images'),
        videos=[],
        annotations=[],
        categories=category_of.records(),
    )
    ids = {record['name']: record['id'] for record in content['categories']}
    for video in tqdm(
        _in_order(read, names, workers), 'masks', len(names), disable=not progress
    ):
        record = video_record(
            len(content['videos']) + 1,
            [json_name(f'{video.name}/{frame}') for frame in video.frames],
            *video.size,
            name=json_name(video.name),
        )
        content['videos'].append(record)
        for name, tracked in video.objects.items():
            category_id = ids[category_of.category_of(video.name, name)]
            number = len(content['annotations']) + 1
            made = object_record(number, record, category_id, tracked, object=name)
            if made:
                content['annotations'].append(made)
    write_annotation_file(content, out)
    return content


@dataclass
class _Video:
    """A video as read: names of its frames, their (height, width), its objects."""

    name: str
    frames: list[str]
    size: tuple[int, int]
    objects: dict[str, list[RLE | None]]


def _videos(masks: Path, frames: Path) -> list[str]:
    """Names of the videos that have masks, in natural order."""
    for folder in (masks, frames):
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder '{folder}'.")
    names = _folders(masks)
    if not names:
        raise ValueError(f"'{masks}' has no folder of masks for each video.")
    missing = [name for name in names if not (frames / name).is_dir()]
    if missing:
        raise FileNotFoundError(
            f"There is no folder of frames '{frames / missing[0]}' for the masks in "
            f"'{masks / missing[0]}'."
        )
    left_out = [name for name in _folders(frames) if name not in set(names)]
    if left_out:
        warnings.warn(
            f"'{frames}' has {len(left_out)} videos without masks in '{masks}', which "
            f"are left out (first '{left_out[0]}').",
            AnnotationWarning,
            stacklevel=3,
        )
    return names


def _in_order(read, names: Sequence[str], workers: int | None) -> Iterator[_Video]:
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        try:
            yield from pool.map(read, names)
        finally:  # an error is told at once, not after all other videos
            pool.shutdown(wait=False, cancel_futures=True)


def _read_video(
    masks: Path, frames: Path, void: int | None, all_frames: bool, name: str
) -> _Video:
    inner = _folders(masks / name)
    mask_files = {folder: _files(masks / name / folder, _MASKS) for folder in inner}
    together = _files(masks / name, _MASKS)
    if bool(inner) == bool(together):
        raise ValueError(
            f"'{masks / name}' has {'both' if inner else 'neither'} PNG masks and "
            'folders of them: a video has one mask a frame, or one folder an object.'
        )
    frame_files = _files(frames / name, _FRAMES)
    annotated = set(together).union(*mask_files.values())
    stray = sorted(annotated - frame_files.keys(), key=natural_order)
    if stray:
        raise FileNotFoundError(
            f"'{frames / name}' has no frame '{stray[0]}' of '{masks / name}': mask "
            'and frame have the same name but for the suffix.'
        )
    stems = [stem for stem in frame_files if all_frames or stem in annotated]
    size = _common_size([frames / name / frame_files[stem] for stem in stems])
    check = partial(_check_size, name, size)
    objects: dict[str, list[RLE | None]] = {}
    if together:
        with_mask = [stem for stem in stems if stem in together]
        images = [read_mask_image(masks / name / together[s]) for s in with_mask]
        for image in images:
            check(image.path, image.size)
        for key, tracked in objects_of(images, void).items():
            rle_of = dict(zip(with_mask, tracked, strict=True))
            objects[key] = [rle_of.get(stem) for stem in stems]
    for key, files in mask_files.items():
        objects[key] = [None] * len(stems)
        for position, stem in enumerate(stems):
            if stem in files:
                path = masks / name / key / files[stem]
                mask_size, objects[key][position] = read_binary_mask(path)
                check(path, mask_size)
    return _Video(name, [frame_files[stem] for stem in stems], size, objects)


def _folders(folder: Path) -> list[str]:
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    return sorted((n for n in names if not n.startswith('.')), key=natural_order)


def _files(folder: Path, suffixes: Sequence[str]) -> dict[str, str]:
    """{name without suffix: name} of the images in a folder, in natural order."""
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


def _common_size(paths: Sequence[Path]) -> tuple[int, int]:
    """(height, width) of all frames of a video."""
    first = None
    for path in paths:
        try:
            with Image.open(path) as image:
                size = (image.height, image.width)
        except Exception as error:  # Pillow's plugins raise errors of many kinds
            raise ValueError(f"The frame '{path}' {unreadable(error)}") from None
        first = first or size
        if size != first:
            raise ValueError(
                f"The frame '{path}' is {size[1]}x{size[0]} (width x height), the "
                f'first of its video {first[1]}x{first[0]}: a video has one size.'
            )
    return first


def _check_size(
    video: str, size: tuple[int, int], path: Path, mask_size: tuple[int, int]
) -> None:
    if mask_size != size:
        raise ValueError(
            f"The mask '{path}' is {mask_size[1]}x{mask_size[0]} (width x height), the "
            f"frames of video '{video}' are {size[1]}x{size[0]}: masks have the size "
            'of their frames.'
        )
