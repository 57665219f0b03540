"""MOTS and KITTI-MOTS, as txt and as PNGs, and CVAT's export of that name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mmvis.structures.rle import RLE, encode_masks
from mmvis.structures.segmentation import to_rle

from ..converters.image_folders import folders_in, images_in
from ..converters.png_pixels import read_pixels
from ..frame_files import natural_order
from .contents import Contents, Track, Video
from .frame_folders import Frames
from .options import Options
from .shapes import union

IGNORE = 10
PER_CLASS = 1000
CLASSES = ('car', 'pedestrian')
_LINE = re.compile(r'\d+ \d+ \d+ \d+ \d+ \S+')
# {class * 1000 + number: {number of the frame: mask}}
Found = dict[int, dict[int, RLE]]


def recognise(source: Path) -> str | None:
    for path in _texts(source):
        with open(path, encoding='utf-8', errors='replace') as file:
            if _LINE.fullmatch(file.readline().strip()):
                return f"'{path}' has lines of frame, id, class, height, width and mask"
        return None
    folder = _instances(source)
    return None if folder is None else f"'{folder}' holds PNG masks of MOTS"


def _texts(source: Path) -> list[Path]:
    """The txt of each video."""
    if source.is_file():
        return [source] if source.suffix.lower() == '.txt' else []
    if not source.is_dir():
        return []
    for pattern in ('gt/gt.txt', '*/gt/gt.txt', 'instances_txt/*.txt', '*.txt'):
        found = sorted(source.glob(pattern), key=lambda p: natural_order(str(p)))
        found = [path for path in found if path.name != 'labels.txt']
        if found:
            return found
    return []


def _instances(source: Path) -> Path | None:
    """The folder of PNGs, in which a folder is a video, or all are one."""
    if not source.is_dir():
        return None
    inner = [source / name for name in folders_in(source)]
    for folder in (source, source / 'instances', *(f / 'instances' for f in inner)):
        if folder.name == 'instances' and folder.is_dir():
            return folder
    return None


def read(source: Path, frames: Frames, options: Options) -> Contents:
    """Values are class * 1000 + number; 10000, and class 10, are regions to ignore."""
    classes = dict(enumerate(CLASSES, start=1))
    contents = Contents([], list(CLASSES))
    texts = _texts(source)
    if texts:
        _name_classes(texts[0].parent, contents, classes)
        for path in texts:
            name = path.parent.parent.name if path.name == 'gt.txt' else path.stem
            _add(contents, name, _read_text(path), frames, classes, options)
        return contents
    folder = _instances(source)
    if folder is None:
        raise ValueError(f"'{source}' has no txt and no folder 'instances' of MOTS.")
    _name_classes(folder, contents, classes)
    for video in folders_in(folder) or ['']:
        files = images_in(folder / video, ('.png',))
        paths = {_number(stem): folder / video / f for stem, f in files.items()}
        name = video or folder.parent.name
        _add(contents, name, _read_pngs(paths), frames, classes, options, list(files))
    return contents


def _name_classes(folder: Path, contents: Contents, classes: dict[int, str]) -> None:
    """Take the classes of a labels.txt, as CVAT, Datumaro and mmvis write it."""
    path = folder / 'labels.txt'
    if path.is_file():
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        contents.categories = [line.strip() for line in lines if line.strip()]
        classes.clear()
        classes.update(enumerate(contents.categories, start=1))


def _number(stem: str) -> int:
    digits = re.search(r'(\d+)$', stem)
    if digits is None:
        raise ValueError(f"'{stem}' ends in no number, which a frame of MOTS does.")
    return int(digits[1])


def _listed(classes: dict[int, str]) -> str:
    return ', '.join(f'{number} {name}' for number, name in classes.items())


def _read_text(path: Path) -> Found:
    found: Found = {}
    for number, line in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
        if not line.strip():
            continue
        place = f"'{path}', line {number}"
        if not _LINE.fullmatch(line.strip()):
            raise ValueError(
                f'{place}: "frame id class height width mask" is expected, not '
                f'{line[:40]!r}.'
            )
        frame, value, class_id, height, width, counts = line.split()
        size = [int(height), int(width)]
        try:
            mask = to_rle({'size': size, 'counts': counts}, *size)
        except ValueError as error:
            raise ValueError(f'{place}: {error}.') from None
        # The id carries the class; where it does not, the third number does.
        key = int(value)
        if key // PER_CLASS != int(class_id):
            key = int(class_id) * PER_CLASS + key % PER_CLASS
        masks = found.setdefault(key, {})
        if int(frame) in masks and key // PER_CLASS != IGNORE:
            raise ValueError(f'{place}: object {key} is in frame {frame} twice.')
        if mask is not None:
            earlier = [masks[int(frame)]] if int(frame) in masks else []
            masks[int(frame)] = union([*earlier, mask])
    return found


def _read_pngs(paths: dict[int, Path]) -> Found:
    found: Found = {}
    for number, path in paths.items():
        pixels = read_pixels(path).values
        values = [value for value in np.unique(pixels).tolist() if value >= PER_CLASS]
        masks = (
            encode_masks(pixels == np.array(values)[:, None, None]) if values else []
        )
        for value, mask in zip(values, masks, strict=True):
            found.setdefault(value, {})[number] = mask
    return found


def _add(
    contents: Contents,
    name: str,
    found: Found,
    frames: Frames,
    classes: dict[int, str],
    options: Options,
    stems: Iterable[str] = (),
) -> None:
    folders = (
        f'{name}/img1',
        f'{name}/images',
        name,
        f'image_02/{name}',
        f'images/{name}',
        'img1',
    )
    names = frames.of_video(*folders, 'images')
    numbers = [_number(Path(n).stem) for n in names]
    annotated = {_number(stem) for stem in stems}
    if annotated and not options.all_frames and annotated < set(numbers):
        kept = [i for i, number in enumerate(numbers) if number in annotated]
        names, numbers = [names[i] for i in kept], [numbers[i] for i in kept]
    height, width = frames.size(names)
    position = {number: index for index, number in enumerate(numbers)}
    video = Video(name, names, height, width)
    for value, masks in sorted(found.items()):
        class_id, number = divmod(value, PER_CLASS)
        crowd = class_id == IGNORE and IGNORE not in classes
        if class_id not in classes and not crowd:
            raise ValueError(
                f"'{name}': {value} is of class {class_id}; there are "
                f'{_listed(classes)} and 10, ignored; labels.txt beside names others.'
            )
        stray = [frame for frame in masks if frame not in position]
        if stray:
            raise ValueError(
                f"'{name}': {value} is in frame {stray[0]}, but the frames in "
                f"'{frames.root}' are {numbers[0]} to {numbers[-1]}."
            )
        of_size = {position[frame]: mask for frame, mask in masks.items()}
        wrong = [m['size'] for m in of_size.values() if m['size'] != [height, width]]
        if wrong:
            raise ValueError(
                f"'{name}': masks are {wrong[0]} (height, width), frames "
                f'[{height}, {width}].'
            )
        if not crowd:
            video.tracks.append(Track(classes[class_id], of_size, str(value)))
            continue
        # A region to ignore is of no class, and a crowd of one: it is a crowd of each.
        for category in classes.values():
            identity = f'ignore {number}, {category}'
            video.tracks.append(Track(category, of_size, identity, iscrowd=1))
    contents.videos.append(video)
