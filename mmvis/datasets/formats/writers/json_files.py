"""YouTube-VIS with uncompressed lists, as the official files have them, and COCO."""

from __future__ import annotations

import json
from pathlib import Path

from mmvis.structures import VISAnnotations
from mmvis.structures.rle import unpack_counts
from mmvis.structures.whole_file import whole_file

from .objects import tracks_of


def write_youtube_vis(content: VISAnnotations, out: Path) -> list[str]:
    """One json; counts are lists of run lengths, objects of no pixel stay."""
    annotations = []
    ids = {video['id'] for video in content.videos}
    for annotation in content.annotations or []:
        if annotation['video_id'] not in ids:
            continue
        masks = [
            mask and dict(size=mask['size'], counts=unpack_counts(mask).tolist())
            for mask in annotation['segmentations']
        ]
        annotations.append({**annotation, 'segmentations': masks})
    written = dict(
        info=content.info, videos=content.videos, categories=content.categories
    )
    if content.annotations is not None:
        written['annotations'] = annotations
    with whole_file(out) as file:
        file.write(json.dumps(written))
    return []


def write_coco(content: VISAnnotations, out: Path) -> list[str]:
    """One json of COCO's form: an image a frame, an annotation a mask."""
    images: list[dict] = []
    annotations: list[dict] = []
    for video in content.videos:
        first = len(images) + 1
        for frame, name in enumerate(video['file_names']):
            images.append(
                dict(
                    id=first + frame,
                    file_name=name,
                    height=video['height'],
                    width=video['width'],
                    video_id=video['id'],
                    frame_id=frame,
                )
            )
        for track in tracks_of(content, video):
            for frame, mask in enumerate(track['segmentations']):
                if mask is None:
                    continue
                scored = {'score': track['score']} if 'score' in track else {}
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=first + frame,
                        video_id=video['id'],
                        category_id=track['category_id'],
                        instance_id=track['id'],
                        iscrowd=track['iscrowd'],
                        bbox=track['bboxes'][frame],
                        area=track['areas'][frame],
                        segmentation=dict(
                            size=mask['size'], counts=mask['counts'].decode()
                        ),
                        **scored,
                    )
                )
    videos = [
        {k: v for k, v in video.items() if k not in ('file_names', 'length')}
        for video in content.videos
    ]
    written = dict(
        info=content.info,
        videos=videos,
        images=images,
        annotations=annotations,
        categories=content.categories,
    )
    with whole_file(out) as file:
        file.write(json.dumps(written))
    return []
