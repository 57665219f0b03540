"""COCO files whose images are frames of videos, as an annotation file.

The form of mmtracking's CocoVID: images have ``video_id`` and ``frame_id``, annotations
an ``instance_id`` that is the same in all frames of the object.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvis.structures import AnnotationWarning
from mmvis.structures.annotation_checks import is_count
from mmvis.structures.segmentation import to_rle

from ..frame_files import natural_order
from .coco_lists import CocoLists, as_id, image_place
from .records import check_place, object_record, video_record, write_annotation_file

_INSTANCE_KEYS = ('instance_id', 'track_id', 'object_id', 'tracking_id')
_FRAME_KEYS = ('frame_id', 'frame_index')
LOOSE = 'loose'


def convert_coco_video(ann_file: str | Path, out: str | Path) -> dict:
    """Write an annotation file for a COCO file of videos.

    Images are frames of the video of their ``video_id``, in the order of ``frame_id``
    (or ``frame_index``); where no image has the one, videos are the folders of the
    images, and where no image of a video has the other, frames are in the natural order
    of their names. Numbers that ``frame_id`` leaves out are no frames.
    Annotations of one ``instance_id`` (or ``track_id``, also within ``attributes``) in
    a video are one object, null in the frames where it has none. It is a crowd if it is
    one in any frame; crowds that have no ``instance_id`` are each seen in one frame.
    Polygons become RLEs; boxes and areas are those of the masks.

    Args:
        ann_file: The COCO file. Masks are compressed as they are read; polygons only
            where the list of images comes first and has their sizes.
        out: The json to write.

    Returns:
        dict: What was written. Ids of videos and categories are the file's where it has
        them; objects have their ``instance_id`` if there is one.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: ``out`` cannot be written; that is found before the file is read.
        ValueError: It is of another form; the message names file and place.
    """
    check_place(out)
    if Path(out).exists() and Path(ann_file).exists() and Path(out).samefile(ann_file):
        raise ValueError(
            f"'{out}' is the file that is read, which would be lost: change --out."
        )
    content = read_coco_video(ann_file)
    write_annotation_file(content, out)
    return content


def read_coco_video(
    ann_file: str | Path, loose: bool = False, crowds_with_tracks: bool = True
) -> dict:
    """The annotation file that :func:`convert_coco_video` writes.

    Args:
        ann_file: The COCO file.
        loose: Take annotations without an ``instance_id`` as objects that are seen in
            one frame; their records have ``LOOSE``.
        crowds_with_tracks: False: an RLE of a track is no crowd, whatever ``iscrowd``
            says. CVAT marks all masks as crowds that way.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is of another form; the message names file and place.
    """
    return _Conversion(str(ann_file), loose, crowds_with_tracks).content()


@dataclass
class _Track:
    """An object: the category and the masks of its annotations, by frame."""

    category_id: Any  # listed in the file
    iscrowd: int = 0
    masks: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Nameless:
    """What a crowd or mask without an id has for one: it is in one image only."""

    index: int

    def __repr__(self) -> str:
        return f'of annotation {self.index}'


class _Conversion:
    """The lists of a COCO file on their way to an annotation file."""

    def __init__(self, path: str, loose: bool, crowds_with_tracks: bool) -> None:
        self.lists = CocoLists(path)
        self.loose, self.crowds_with_tracks = loose, crowds_with_tracks
        self._fail = self.lists.fail
        self.videos = self._videos()
        # (position of the video, of the frame) of each image
        self.place_of = {
            image['id']: (number, frame)
            for number, (_, images) in enumerate(self.videos)
            for frame, image in enumerate(images)
        }

    def content(self) -> dict:
        videos = [self._video_record(*video) for video in self.videos]
        tracks = self._tracks()
        annotations: list[dict] = []
        for number, video in enumerate(videos):
            for instance, track in tracks.get(number, {}).items():
                masks = [
                    self._rle(track.masks.get(frame), video, instance, frame)
                    for frame in range(video['length'])
                ]
                nameless = isinstance(instance, _Nameless)
                named = {} if nameless else dict(instance_id=instance)
                if nameless and not track.iscrowd:
                    named = {LOOSE: True}
                record = object_record(
                    len(annotations) + 1,
                    video,
                    track.category_id,
                    masks,
                    track.iscrowd,
                    **named,
                )
                if record:
                    annotations.append(record)
        return dict(
            info=dict(description='converted from a COCO file of videos'),
            videos=videos,
            annotations=annotations,
            categories=self.lists.categories,
        )

    def _videos(self) -> list[tuple[dict, list[dict]]]:
        """Each video's record, perhaps an empty one, and its images in order."""
        images, records = self.lists.images, self.lists.videos
        of_video: dict[Any, list[dict]] = {}
        if self._all_have(images, 'video_id', 'images'):
            of_video = {number: [] for number in records}
            for image in images:
                number = as_id(image['video_id'])
                if number is None:
                    self._fail(f'the "video_id" of {image_place(image)} is no number')
                of_video.setdefault(number, []).append(image)
        else:
            for image in images:
                name = os.path.dirname(image['file_name'])
                of_video.setdefault(name, []).append(image)
            names = sorted(of_video, key=natural_order)
            records = {n: dict(id=i, name=n) for i, n in enumerate(names, start=1)}
            of_video = {name: of_video[name] for name in names}
        empty = [number for number, images in of_video.items() if not images]
        if empty:
            warnings.warn(
                f"'{self.lists.path}': {len(empty)} videos without images are left out "
                f'(first {empty[0]!r}).',
                AnnotationWarning,
                stacklevel=5,
            )
        return [
            (records.get(number, dict(id=number)), self._in_order(images, number))
            for number, images in of_video.items()
            if images
        ]

    def _in_order(self, images: list[dict], video: Any) -> list[dict]:
        for key in _FRAME_KEYS:
            if self._all_have(images, key, f'images of video {video!r}'):
                numbers = [image[key] for image in images]
                if not all(is_count(number) for number in numbers):
                    self._fail(f'a "{key}" in video {video!r} is no whole number')
                if len(set(numbers)) < len(numbers):
                    self._fail(f'two images of video {video!r} have one "{key}"')
                return sorted(images, key=lambda image: image[key])
        return sorted(images, key=lambda image: natural_order(image['file_name']))

    def _all_have(self, records: list[dict], key: str, what: str) -> bool:
        having = sum(record.get(key) is not None for record in records)
        if 0 < having < len(records):
            self._fail(f'{having} of {len(records)} {what} have a "{key}": all need it')
        return having > 0

    def _video_record(self, video: dict, images: list[dict]) -> dict:
        sizes: list[list[Any]] = []
        for image in images:
            size = [image.get(k, video.get(k)) for k in ('height', 'width')]
            if not all(is_count(n, 1) for n in size):
                self._fail(
                    f'{image_place(image)} has no "height" and "width" in pixels'
                )
            sizes.append(size)
            if size != sizes[0]:
                self._fail(
                    f'{image_place(image)} is of size {size} (height, width), the '
                    f'first of its video of {sizes[0]}: a video has one size'
                )
        names = [image['file_name'] for image in images]
        more = {k: v for k, v in video.items() if k not in ('file_names', 'length')}
        return more | video_record(video['id'], names, *sizes[0])

    def _tracks(self) -> dict[int, dict[Any, _Track]]:
        """{position of the video: {instance id: track}}, in the file's order."""
        categories = {c['id'] for c in self.lists.categories}
        found: dict[int, dict[Any, _Track]] = {}
        bare: list[str] = []
        for index, annotation in enumerate(self.lists.annotations):
            number = as_id(annotation.get('id'))
            place = f'annotation {index if number is None else number!r}'
            image = as_id(annotation.get('image_id'))
            if image not in self.place_of:
                self._fail(f'{place} is of image {image!r}, which the file lacks')
            place += f' (image {image!r})'
            category, instance = annotation.get('category_id'), _instance(annotation)
            if as_id(category) not in categories:
                self._fail(f'{place} is of category {category!r}, which is not listed')
            crowd = self._crowd(annotation, place)
            if instance is None and (crowd or self.loose):
                instance = _Nameless(index)
            if instance is None:
                self._fail(
                    f'{place} has no "instance_id" or "track_id", which tells objects '
                    'apart through the frames (coco_images.py converts single images, '
                    'convert.py --link joins them)'
                )
            if 'segmentation' not in annotation:
                self._fail(f'{place} has no "segmentation": masks are needed')
            video, frame = self.place_of[image]
            track = found.setdefault(video, {}).setdefault(instance, _Track(category))
            if track.category_id != category:
                self._fail(
                    f'{place}: instance {instance!r} is of category {category} here '
                    f'and of {track.category_id} before'
                )
            if frame in track.masks:
                self._fail(f'{place}: instance {instance!r} is in this image twice')
            if not annotation['segmentation']:
                bare.append(place)
            track.masks[frame] = annotation['segmentation']
            track.iscrowd |= crowd
        if bare:
            warnings.warn(
                f"'{self.lists.path}': {len(bare)} annotations have an empty "
                f'"segmentation" and are left out (first {bare[0]}): boxes are none.',
                AnnotationWarning,
                stacklevel=4,
            )
        return found

    def _crowd(self, annotation: dict, place: str) -> int:
        value = annotation.get('iscrowd')
        if value not in (None, 0, 1):
            self._fail(f'{place}: "iscrowd" is {value!r}, neither 0 nor 1')
        mask = annotation.get('segmentation')
        if not self.crowds_with_tracks and isinstance(mask, dict):
            return int(bool(value) and _instance(annotation) is None)
        return int(value or 0)

    def _rle(self, mask: Any, video: dict, instance: Any, frame: int) -> dict | None:
        try:
            return to_rle(mask, video['height'], video['width'])
        except (ValueError, OverflowError, TypeError) as error:
            name = video['file_names'][frame]
            self._fail(f"instance {instance!r} in '{name}': {error}")


def _instance(annotation: dict) -> Any:
    attributes = annotation.get('attributes')
    for record in (annotation, attributes if isinstance(attributes, dict) else {}):
        for key in _INSTANCE_KEYS:
            if as_id(record.get(key)) is not None:
                return record[key]
    return None
