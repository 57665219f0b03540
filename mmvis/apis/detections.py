"""Masks of a video's frames that something else has found, from a file or a folder."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmvis.datasets.converters.mask_images import read_mask_image
from mmvis.datasets.frame_files import natural_order
from mmvis.structures.rle import RLE
from mmvis.structures.segmentation import to_rle

from .errors import DetectionsError


class Found(NamedTuple):
    """What was found in a frame: n masks, their scores, and labels."""

    rles: list[RLE]
    scores: list[float]
    labels: list[int]


class Detections:
    """Masks by frame.

    Attributes:
        class_names (tuple[str] | None): Names by label.
        category_ids (tuple[int] | None): Ids in files, by label.
    """

    class_names: tuple[str, ...] | None = None
    category_ids: tuple[int, ...] | None = None

    def of(self, frame: int, size: tuple[int, int]) -> Found:
        """The masks of a frame of (height, width) px.

        Raises:
            DetectionsError: They are damaged, or of another size.
        """
        raise NotImplementedError

    def misfit(self, num_frames: int) -> str | None:
        """What may not fit a video of so many frames, a sentence; None: nothing."""
        return None


def open_detections(path: str | Path) -> Detections:
    """Detections of a COCO results json, a COCO annotation json, or a folder of PNGs.

    Raises:
        DetectionsError: There is no such file, or it is none of these.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return LabelImages(path)
    if not path.exists():
        raise DetectionsError(
            f'{path} does not exist: give a COCO results json, a COCO annotation json '
            'or a folder of label PNGs as detections.'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise DetectionsError(f'{path} is no json: {error}.') from None
    if isinstance(content, Mapping) and 'annotations' in content:
        _check_annotation_file(path, content)
        return CocoResults(path, content['annotations'], content)
    if isinstance(content, list):
        return CocoResults(path, content)
    raise DetectionsError(
        f'{path} is neither a list of COCO results (image_id, category_id, score, '
        'segmentation) nor a COCO annotation file.'
    )


class CocoResults(Detections):
    """COCO's list of results, or its annotation file.

    A list's ``image_id`` is the number of the frame, from 0 if there is a 0, else from
    1. In an annotation file images are the frames, in the natural order of their
    ``file_name``. Classes of a list, which has no names, are called by ``category_id``.
    """

    def __init__(
        self, path: Path, results: Sequence[Mapping], about: Mapping | None = None
    ) -> None:
        self._path = path
        scores = [_checked_score(path, *numbered) for numbered in enumerate(results)]
        self._images: int | None = None
        self._first = 0
        images = self._frames(results, about)
        categories = (about or {}).get('categories') or []
        names = {category['id']: str(category['name']) for category in categories}
        used = {result['category_id'] for result in results}
        self.category_ids = tuple(sorted(names or used))
        # Without names a class is called by its id, in all files and for --classes.
        self.class_names = tuple(
            names.get(number, str(number)) for number in self.category_ids
        )
        label = {number: row for row, number in enumerate(self.category_ids)}
        self._frame: dict[int, list[tuple[int, Any, float, int]]] = defaultdict(list)
        for row, result in enumerate(results):
            frame, number = images.get(result['image_id']), result['category_id']
            if frame is None or number not in label:
                what = 'image' if frame is None else 'category'
                which = result[f'{what}_id']
                raise DetectionsError(
                    f'{path}: result {row} is of {what} {which!r}, which is not in the '
                    'file.'
                )
            self._frame[frame].append(
                (row, result['segmentation'], scores[row], label[number])
            )

    def _frames(
        self, results: Sequence[Mapping], about: Mapping | None
    ) -> dict[Any, int]:
        """Frame by image id."""
        if about is not None and about.get('images'):
            images = sorted(
                about['images'], key=lambda i: natural_order(str(i['file_name']))
            )
            self._images = len(images)
            return {image['id']: frame for frame, image in enumerate(images)}
        ids = {result['image_id'] for result in results}
        if not all(isinstance(number, int) and number >= 0 for number in ids):
            raise DetectionsError(
                f'{self._path}: an image_id is no number of a frame. Give the '
                'annotation file with its images, or number the frames.'
            )
        self._first = min(ids | {1})
        return {number: number - self._first for number in ids}

    def of(self, frame: int, size: tuple[int, int]) -> Found:
        rles, scores, labels = [], [], []
        for row, mask, score, label in self._frame.get(frame, []):
            try:
                rle = to_rle(mask, *size)
            except ValueError as error:
                raise DetectionsError(
                    f'{self._path}: result {row}, of frame {frame}: {error}.'
                ) from None
            if rle is not None:
                rles.append(rle)
                scores.append(score)
                labels.append(label)
        return Found(rles, scores, labels)

    def misfit(self, num_frames: int) -> str | None:
        if self._images is not None:
            return _other_number(self._path, self._images, 'images', num_frames)
        frames = max(self._frame, default=-1) + 1
        if frames > num_frames:
            return (
                f'{self._path} has an image_id {frames - 1 + self._first}, but the '
                f'video has {num_frames} frames: is it of another video?'
            )
        if self._first and 0 < frames < num_frames:
            return (
                f'{self._path} has no image_id 0, so that 1 is taken for the first '
                'frame. If 0 is, and nothing was found in it, give an annotation file, '
                'whose images are the frames.'
            )
        return None


def _check_annotation_file(path: Path, content: Mapping) -> None:
    """Refuse lists that are none, and images and categories without what is used."""
    needed = dict(annotations=(), images=('id', 'file_name'), categories=('id', 'name'))
    for what, keys in needed.items():
        rows = content.get(what)
        if rows is None and what != 'annotations':
            continue
        if not isinstance(rows, list):
            raise DetectionsError(f'{path}: its {what} are no list.')
        for row, entry in enumerate(rows):
            for key in keys:
                if not isinstance(entry, Mapping) or key not in entry:
                    raise DetectionsError(f'{path}: {what}[{row}] has no {key}.')
            if what == 'categories':
                _check_number(f'{path}: {what}[{row}] has the id', entry['id'])
            elif what == 'images' and not isinstance(entry['id'], (int, str)):
                raise DetectionsError(
                    f'{path}: {what}[{row}] has the id {entry["id"]!r}, which is '
                    'neither a number nor a name.'
                )


def _checked_score(path: Path, row: int, result: Any) -> float:
    """The score of a result, 1 if it has none, once the other keys are in order."""
    place = f'{path}: result {row}'
    if not isinstance(result, Mapping):
        raise DetectionsError(f'{place} is no object, but {result!r:.40}.')
    missing = {'image_id', 'category_id', 'segmentation'} - set(result)
    if missing:
        raise DetectionsError(f'{place} has no {", ".join(sorted(missing))}.')
    _check_number(f'{place} has the category_id', result['category_id'])
    if not isinstance(result['image_id'], (int, str)):
        raise DetectionsError(
            f'{place} has the image_id {result["image_id"]!r}, which is no number of '
            'a frame.'
        )
    try:
        score = float(result.get('score', 1.0))
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise DetectionsError(
            f'{place} has the score {result["score"]!r}, which is no finite number.'
        )
    return score


def _check_number(place: str, number: Any) -> None:
    """Refuse ids of classes that results.json and MOTS tables have no place for."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise DetectionsError(
            f'{place} {number!r}, which is no whole number: names are for the '
            'categories of an annotation file.'
        )


def _other_number(path: Path, number: int, what: str, num_frames: int) -> str | None:
    """A sentence where there is not one for each frame."""
    if number == num_frames:
        return None
    return (
        f'{path} has {number} {what}, but the video has {num_frames} frames: the first '
        'is taken for the first frame, and so on.'
    )


class PartOfDetections(Detections):
    """Those of every ``stride`` frames from ``start`` on, which are counted anew."""

    def __init__(self, whole: Detections, start: int, stride: int) -> None:
        self._whole, self._start, self._stride = whole, start, stride
        self.class_names, self.category_ids = whole.class_names, whole.category_ids

    def of(self, frame: int, size: tuple[int, int]) -> Found:
        return self._whole.of(self._start + frame * self._stride, size)


class LabelImages(Detections):
    """A folder of PNGs, one a frame in natural order; each value is an instance.

    Indexed, grey (8 or 16 bits) or colour-coded; 0 or black is the background. A value
    means nothing in the next frame: which is which is what the tracker finds.
    """

    class_names = ('object',)
    category_ids = (1,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = sorted(
            (p for p in folder.iterdir() if p.suffix.lower() == '.png'),
            key=lambda path: natural_order(path.name),
        )
        if not self._paths:
            raise DetectionsError(f'The folder {folder} has no .png.')

    def of(self, frame: int, size: tuple[int, int]) -> Found:
        if frame >= len(self._paths):
            return Found([], [], [])
        path = self._paths[frame]
        try:
            image = read_mask_image(path)
        except ValueError as error:
            raise DetectionsError(str(error)) from None
        if image.size != size:
            raise DetectionsError(
                f'{path} is {image.size[1]} x {image.size[0]} px (width x height), '
                f'the frame is {size[1]} x {size[0]}.'
            )
        rles = [rle for rle in image.rles if rle is not None]
        return Found(rles, [1.0] * len(rles), [0] * len(rles))

    def misfit(self, num_frames: int) -> str | None:
        return _other_number(self._folder, len(self._paths), 'PNGs', num_frames)
