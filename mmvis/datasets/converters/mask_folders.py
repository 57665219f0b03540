"""Folders of mask images, as of DAVIS and YouTube-VOS, as an annotation file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mmvis.structures import AnnotationWarning
from mmvis.structures.annotation_checks import unsafe_file_name
from mmvis.structures.frame_names import OutsideLinks, json_name, link_message
from mmvis.structures.rle import RLE

from ..frame_files import natural_order
from .image_folders import common_size, folders_in, images_in
from .mask_images import objects_of, read_binary_mask, read_mask_image
from .object_categories import ObjectCategories
from .records import check_place, object_record, video_record, write_annotation_file

_FRAMES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
_MASKS = ('.png',)
# An object that never has as many is rather a slip of the brush.
_FEWEST_PIXELS = 4


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
            become background. In a video without other values it is an object, and
            so is 255 in one with masks of 16 bits.
        all_frames: Take frames without a mask image, too: they show no object. By
            default they count as not annotated and are left out.
        workers: Threads that read; by default one a core. They change nothing.
        progress: Show a progress bar.

    Returns:
        dict: What was written. Objects have their name as ``object``, videos as
        ``name``.

    Raises:
        FileNotFoundError: A folder or a frame is missing.
        OSError: ``out`` cannot be written; that is found before anything is read.
        ValueError: Masks that cannot be used, or an object without a category; the
            message names file or video.
    """
    check_place(out)
    content = read_mask_folders(
        masks, frames, category, categories, void, all_frames, workers, progress
    )
    write_annotation_file(content, out)
    return content


def read_mask_folders(
    masks: str | Path,
    frames: str | Path,
    category: str = 'object',
    categories: str | Path | None = None,
    void: int | None = 255,
    all_frames: bool = False,
    workers: int | None = None,
    progress: bool = False,
) -> dict:
    """The annotation file that :func:`convert_mask_folders` writes."""
    if workers is not None and workers < 1:
        raise ValueError(f"'workers' is {workers}: at least one thread has to read.")
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
    turned: list[Path] = []
    specks: list[str] = []
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
        turned += video.turned
        for name, tracked in video.objects.items():
            category_id = ids[category_of.category_of(video.name, name)]
            number = len(content['annotations']) + 1
            made = object_record(number, record, category_id, tracked, object=name)
            if made:
                content['annotations'].append(made)
                if max(filter(None, made['areas'])) < _FEWEST_PIXELS:
                    specks.append(f"'{name}' of video '{video.name}'")
    _warn_of_turned(turned)
    if specks:
        warnings.warn(
            f"'{masks}': {len(specks)} objects never have more than "
            f'{_FEWEST_PIXELS - 1} pixels (first {specks[0]}): look for stray pixels '
            'in the masks.',
            AnnotationWarning,
            stacklevel=2,
        )
    return content


@dataclass
class _Video:
    """A video as read.

    Attributes:
        name: of its folder.
        frames: names of its frames.
        size: (height, width) of its frames as displayed.
        turned: frames that their EXIF orientation turns.
        objects: {name: one mask a frame, or None}.
    """

    name: str
    frames: list[str]
    size: tuple[int, int]
    turned: list[Path]
    objects: dict[str, list[RLE | None]]


def _videos(masks: Path, frames: Path) -> list[str]:
    """Names of the videos that have masks, in natural order."""
    for folder in (masks, frames):
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder '{folder}'.")
    names = folders_in(masks)
    if not names:
        raise ValueError(f"'{masks}' has no folder of masks for each video.")
    missing = [name for name in names if not (frames / name).is_dir()]
    if missing:
        raise FileNotFoundError(
            f"There is no folder of frames '{frames / missing[0]}' for the masks in "
            f"'{masks / missing[0]}'."
        )
    left_out = [name for name in folders_in(frames) if name not in set(names)]
    if left_out:
        warnings.warn(
            f"'{frames}' has {len(left_out)} videos without masks in '{masks}', which "
            f"are left out (first '{left_out[0]}').",
            AnnotationWarning,
            stacklevel=3,
        )
    return names


def _in_order(
    read: Callable[[str], _Video], names: Sequence[str], workers: int | None
) -> Iterator[_Video]:
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        try:
            yield from pool.map(read, names)
        finally:  # an error is told at once, not after all other videos
            pool.shutdown(wait=False, cancel_futures=True)


def _read_video(
    masks: Path, frames: Path, void: int | None, all_frames: bool, name: str
) -> _Video:
    together, mask_files = _mask_files(masks / name)
    frame_files = images_in(frames / name, _FRAMES)
    annotated = set(together).union(*mask_files.values())
    stray = sorted(annotated - frame_files.keys(), key=natural_order)
    if stray:
        raise FileNotFoundError(
            f"'{frames / name}' has no frame '{stray[0]}' of '{masks / name}': mask "
            'and frame have the same name but for the suffix.'
        )
    stems = [stem for stem in frame_files if all_frames or stem in annotated]
    _check_names(frames, [f'{name}/{frame_files[stem]}' for stem in stems])
    size, turned = common_size([frames / name / frame_files[stem] for stem in stems])
    check = partial(_check_size, name, size, bool(turned))
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
    return _Video(name, [frame_files[stem] for stem in stems], size, turned, objects)


def _mask_files(folder: Path) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """{frame: mask of all objects} or {object: {frame: mask}}; the other is empty."""
    together = images_in(folder, _MASKS)
    of_objects = {name: images_in(folder / name, _MASKS) for name in folders_in(folder)}
    if together and of_objects:
        raise ValueError(
            f"'{folder}' has both PNG masks and folders of them: a video has one mask "
            'a frame, or one folder an object.'
        )
    # One object that is never seen may have an empty folder.
    bare = [folder / name for name, files in of_objects.items() if not files]
    if together or (len(bare) < len(of_objects) and not any(map(_content, bare))):
        return together, of_objects
    at_fault = next(filter(_content, bare), bare[0] if bare else folder)
    there = _content(at_fault)
    but = f', but {there!r}' if there else ''
    raise ValueError(
        f"'{at_fault}' has no PNG masks{but}: masks are <video>/<frame>.png or "
        '<video>/<object>/<frame>.png.'
    )


def _content(folder: Path) -> str:
    """The first name in a folder, '' if there are hidden ones at most."""
    names = sorted(os.listdir(folder), key=natural_order)
    return next((name for name in names if not name.startswith('.')), '')


def _check_names(folder: Path, names: list[str]) -> None:
    """Refuse what could not be loaded by its name in the json."""
    links = OutsideLinks(str(folder))
    for name in map(json_name, names):
        if unsafe_file_name(name) or '\\' in name:
            raise ValueError(
                f"The name of frame '{folder / name}' would be refused as an address, "
                "or one of another system's folders: rename it, without ':' and '\\'."
            )
        target = links.target(name)
        if target is not None:
            message = link_message(name, str(folder), target)
            raise ValueError(f'{message[0].upper()}{message[1:]}.')


def _check_size(
    video: str,
    size: tuple[int, int],
    turned: bool,
    path: Path,
    mask_size: tuple[int, int],
) -> None:
    if mask_size != size:
        as_shown = ', turned as their EXIF orientation says' if turned else ''
        raise ValueError(
            f"The mask '{path}' is {mask_size[1]}x{mask_size[0]} (width x height), the "
            f"frames of video '{video}' are {size[1]}x{size[0]}{as_shown}: masks have "
            'the size of their frames as displayed.'
        )


def _warn_of_turned(turned: list[Path]) -> None:
    if turned:
        warnings.warn(
            f'{len(turned)} frames are turned by their EXIF orientation when they are '
            f"read (first '{turned[0]}'): their masks have to be drawn on the turned "
            'frame, as it is displayed; look at them with browse.py.',
            AnnotationWarning,
            stacklevel=3,
        )
