"""COCO image sets as video sets whose videos have one frame."""

from __future__ import annotations

import json
from pathlib import Path


def coco_images_to_videos(ann_file: str | Path, out: str | Path) -> dict:
    """Write a COCO annotation file as a YouTube-VIS one, an image for each video.

    Masks, crowd regions, categories and ids stay as they are, so that a frame network
    trains on it and is measured by the VIS metric. For videos of one frame that is
    COCO's, but for crowd regions: COCO lets a detection lie inside of one, the VIS
    protocol asks for IoU with it as with any object.

    Args:
        ann_file (str | Path): COCO's instances json.
        out (str | Path): The file to write.

    Returns:
        dict: What was written.

    Raises:
        ValueError: The file is not a COCO instances file; the message names it.
    """
    with open(ann_file, encoding='utf-8-sig') as stream:
        try:
            coco = json.load(stream)
        except json.JSONDecodeError as error:
            raise ValueError(f'{ann_file} is not a json file: {error}.') from error
    missing = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(coco, dict) or not isinstance(coco.get(key), list)
    ]
    if missing:
        raise ValueError(
            f'{ann_file} has no list {missing[0]!r}: give an instances file of COCO, '
            'such as annotations/instances_val2017.json.'
        )
    sizes = {image['id']: (image['height'], image['width']) for image in coco['images']}
    strays = [a['id'] for a in coco['annotations'] if a['image_id'] not in sizes]
    if strays:
        raise ValueError(
            f'{ann_file}: annotation {strays[0]} is of an image that the file lacks.'
        )
    videos = [
        dict(
            id=image['id'],
            file_names=[image['file_name']],
            height=image['height'],
            width=image['width'],
            length=1,
        )
        for image in coco['images']
    ]
    annotations = []
    for annotation in coco['annotations']:
        height, width = sizes[annotation['image_id']]
        annotations.append(
            dict(
                id=annotation['id'],
                video_id=annotation['image_id'],
                category_id=annotation['category_id'],
                iscrowd=annotation.get('iscrowd', 0),
                height=height,
                width=width,
                segmentations=[annotation['segmentation']],
                bboxes=[annotation['bbox']],
                areas=[annotation['area']],
            )
        )
    written = dict(
        info=coco.get('info', {}),
        videos=videos,
        annotations=annotations,
        categories=coco['categories'],
    )
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(written), encoding='utf-8')
    return written
