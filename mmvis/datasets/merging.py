"""One annotation file out of several, to train and test on all their videos."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvis.structures import VISAnnotations, read_annotation_file


def merge_annotation_files(
    sources: Sequence[tuple[str, str]], root: str | Path, out: str | Path
) -> dict:
    """Write the videos of several annotation files as one file.

    Categories are joined by name. Videos, annotations and categories get new ids from
    1; a video keeps what it had as ``source_id`` and ``source``.

    Args:
        sources: Annotation files and the folders that their file_names start from.
        root: Folder that the merged file_names start from; holds all the frames.
        out: The json to write.

    Returns:
        dict: What was written.

    Raises:
        ValueError: Frames that are not below ``root``, some files with annotations
            and some without, or an annotation file that cannot be used.
    """
    merged: dict[str, Any] = dict(info={}, videos=[], annotations=[], categories=[])
    category_ids: dict[str, int] = {}
    labelled = []
    for ann_file, img_prefix in sources:
        content = read_annotation_file(ann_file)
        labelled.append(content.annotations is not None)
        folder = _below(img_prefix, root)
        for category in content.categories:
            if category['name'] not in category_ids:
                category_ids[category['name']] = len(category_ids) + 1
                merged['categories'].append(
                    {**category, 'id': category_ids[category['name']]}
                )
        _append(merged, content, folder, category_ids)
    if len(set(labelled)) > 1:
        without = [
            name for (name, _), has in zip(sources, labelled, strict=True) if not has
        ]
        raise ValueError(
            f'{", ".join(without)} has no annotations, but other files do: merge only '
            'files that all have them, or that all have none.'
        )
    if not any(labelled):
        del merged['annotations']
    merged['info'] = {'description': 'merged', 'sources': [name for name, _ in sources]}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(json.dumps(merged, ensure_ascii=False), encoding='utf-8')
    return merged


def _below(folder: str, root: str | Path) -> str:
    relative = os.path.relpath(folder, root)
    if relative.split(os.sep)[0] == os.pardir:
        raise ValueError(f'The frames in {folder} are not below the root {root}.')
    return '' if relative == os.curdir else f'{Path(relative).as_posix()}/'


def _append(
    merged: dict, content: VISAnnotations, folder: str, category_ids: dict[str, int]
) -> None:
    names = {category['id']: category['name'] for category in content.categories}
    video_ids = {}
    for video in content.videos:
        video_ids[video['id']] = len(merged['videos']) + 1
        merged['videos'].append(
            {
                **video,
                'id': video_ids[video['id']],
                'file_names': [f'{folder}{name}' for name in video['file_names']],
                'source': content.path,
                'source_id': video['id'],
            }
        )
    for annotation in content.annotations or []:
        merged['annotations'].append(
            {
                **annotation,
                'id': len(merged['annotations']) + 1,
                'video_id': video_ids[annotation['video_id']],
                'category_id': category_ids[names[annotation['category_id']]],
                'segmentations': [
                    mask and {**mask, 'counts': mask['counts'].decode()}
                    for mask in annotation['segmentations']
                ],
            }
        )
