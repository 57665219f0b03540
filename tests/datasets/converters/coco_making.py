"""COCO files of videos, made of the sets that tests make."""

import json
import random

from mmvis.datasets.converters import convert_coco_video


def to_coco(vis_set) -> dict:
    """A set in the form of mmtracking's CocoVID, shuffled; frame ids have gaps."""
    content = vis_set.content
    coco = dict(categories=content['categories'], images=[], annotations=[], videos=[])
    image_ids = {}
    for video in content['videos']:
        name = video['file_names'][0].split('/')[0]
        coco['videos'].append(dict(id=video['id'], name=name, width=64, height=48))
        for frame, file_name in enumerate(video['file_names']):
            image_ids[video['id'], frame] = len(image_ids) + 70
            coco['images'].append(
                dict(
                    id=image_ids[video['id'], frame],
                    file_name=file_name,
                    video_id=video['id'],
                    frame_id=frame * 3,
                    height=48,
                    width=64,
                )
            )
    for track in content['annotations']:
        for frame, mask in enumerate(track['segmentations']):
            if mask is not None:
                coco['annotations'].append(
                    dict(
                        id=len(coco['annotations']),
                        image_id=image_ids[track['video_id'], frame],
                        video_id=track['video_id'],
                        category_id=track['category_id'],
                        # Unique in its video only.
                        instance_id=track['id'] % 2,
                        iscrowd=track['iscrowd'],
                        segmentation=mask,
                        bbox=track['bboxes'][frame],
                        area=track['areas'][frame],
                    )
                )
    rng = random.Random(0)
    rng.shuffle(coco['images'])
    rng.shuffle(coco['annotations'])
    return coco


def convert(coco, tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(coco))
    return convert_coco_video(path, tmp_path / 'out.json')


def changed(records, position, **change):
    records[position] = {
        key: value
        for key, value in (records[position] | change).items()
        if value is not ...
    }
