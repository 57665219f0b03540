"""Files that are of the YouTube-VIS form already: OVIS, UVO, LV-VIS and others."""

from __future__ import annotations

from pathlib import Path

from mmvis.structures import read_annotation_file

from .frame_folders import Frames
from .options import Options
from .text_files import has_keys


def recognise(source: Path) -> str | None:
    if has_keys(source, '{', 'videos', 'file_names'):
        return f'\'{source}\' has "videos" with "file_names", as YouTube-VIS'
    return None


def read(source: Path, frames: Frames, options: Options) -> dict:
    """The file as the reader of training sees it: repaired where there is no doubt."""
    content = read_annotation_file(str(source))
    if content.videos:
        frames.settle(content.videos[0]['file_names'][0])
    read_as = dict(
        info=content.info, videos=content.videos, categories=content.categories
    )
    if content.annotations is not None:
        for annotation in content.annotations:
            annotation['segmentations'] = [
                mask and {**mask, 'counts': mask['counts'].decode()}
                for mask in annotation['segmentations']
            ]
        read_as['annotations'] = content.annotations
    return read_as
