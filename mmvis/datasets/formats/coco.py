"""COCO files whose images are frames of videos, by CVAT, Roboflow and others."""

from __future__ import annotations

from pathlib import Path

from ..converters.coco_video import read_coco_video
from .contents import Contents
from .frame_folders import Frames
from .options import Options
from .text_files import has_keys

_OF_CVAT = ('occluded', 'keyframe', 'track_id')


def _file(source: Path) -> Path:
    """The json; CVAT puts it in ``annotations/instances_default.json``, Roboflow beside
    the images as ``_annotations.coco.json``."""
    if not source.is_dir():
        return source
    found = sorted((source / 'annotations').glob('instances_*.json'))
    found += sorted(source.glob('_annotations.coco.json'))
    return found[0] if found else source


def recognise(source: Path) -> str | None:
    path = _file(source)
    keys = ('images', 'annotations', 'categories')
    if has_keys(path, '{', *keys) and not has_keys(path, '{', 'file_names'):
        return f'\'{path}\' has "images", "annotations" and "categories", as COCO'
    return None


def read(source: Path, frames: Frames, options: Options) -> dict | Contents:
    path = _file(source)
    if not path.is_file():
        raise FileNotFoundError(f"There is no COCO file '{path}'.")
    of_cvat = _is_of_cvat(path)
    content = read_coco_video(path, loose=True, crowds_with_tracks=not of_cvat)
    if of_cvat:
        frames.notes.append(
            f"'{path}' is of CVAT, which marks all masks as crowds: those of tracks "
            'are taken as objects.'
        )
    frames.settle(content['videos'][0]['file_names'][0])
    return content


def _is_of_cvat(path: Path) -> bool:
    """Whether annotations have the attributes that CVAT gives to tracks."""
    return has_keys(path, '{', *_OF_CVAT)
