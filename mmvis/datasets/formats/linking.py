"""Identities where the source has none: masks of frames joined by the tracker."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvis.structures.rle import decode_masks, rle_to_bbox

from ..converters.coco_video import LOOSE
from ..converters.records import object_record

_LONGER_SIDE = 320  # of the masks that are compared
_LEAST_IOU = 0.1


def link_loose(content: dict, least_iou: float = _LEAST_IOU) -> int:
    """Join masks of single frames into objects, by the overlap of masks in time.

    STMask's tracker with mask IoU alone: masks of one category that overlap most are
    one object; one that is not seen for 20 frames is another when it comes back.

    Args:
        content: of an annotation file; records with ``LOOSE`` are replaced.
        least_iou: what two masks have to overlap by.

    Returns:
        How many objects were made.
    """
    made = 0
    kept = [a for a in content['annotations'] if not a.get(LOOSE)]
    for video in content['videos']:
        loose = [
            a
            for a in content['annotations']
            if a.get(LOOSE) and a['video_id'] == video['id']
        ]
        tracks: dict[int, list[dict]] = {}
        for annotation, number in zip(
            loose, _ids(video, loose, least_iou), strict=True
        ):
            tracks.setdefault(number, []).append(annotation)
        for number, members in sorted(tracks.items()):
            masks: list[Any] = [None] * video['length']
            for member in members:
                for frame, mask in enumerate(member['segmentations']):
                    if mask is not None:
                        packed = mask['counts'].encode()
                        masks[frame] = {**mask, 'counts': packed}
            record = object_record(
                0, video, members[0]['category_id'], masks, object=f'linked {number}'
            )
            if record:
                kept.append(record)
                made += 1
    for number, annotation in enumerate(kept, start=1):
        annotation['id'] = number
    content['annotations'] = kept
    return made


def _ids(video: dict, loose: list[dict], least_iou: float) -> list[int]:
    """A track's number for each annotation, which is seen in one frame."""
    import torch
    from mmengine.structures import InstanceData

    from mmvis.registry import MODELS

    tracker: Any = MODELS.build(
        dict(
            type='mmvis.EmbeddingMaskIoUTracker',
            # A category is worth more than any overlap: others never match.
            match_weights=dict(embedding=0.0, mask_iou=1.0, bbox_iou=0.0, label=2.0),
            epsilon=2.0 + least_iou,
            conflict='optimal',
        )
    )
    memory = tracker.init_memory()
    of_frame: dict[int, list[int]] = {}
    for index, annotation in enumerate(loose):
        frame = next(f for f, m in enumerate(annotation['segmentations']) if m)
        of_frame.setdefault(frame, []).append(index)
    ids = [0] * len(loose)
    step = max(1, -(-max(video['height'], video['width']) // _LONGER_SIDE))
    for frame in range(video['length']):
        members = of_frame.get(frame, [])
        rles = [
            {**mask, 'counts': mask['counts'].encode()}
            for mask in (loose[i]['segmentations'][frame] for i in members)
        ]
        masks = decode_masks(rles, video['height'], video['width'])
        detections = InstanceData(
            bboxes=torch.from_numpy(np.asarray(rle_to_bbox(rles), np.float32)),
            scores=torch.ones(len(members)),
            labels=torch.tensor(
                [loose[i]['category_id'] for i in members], dtype=torch.long
            ),
            embeddings=torch.ones(len(members), 1),
            masks=torch.from_numpy(masks[:, ::step, ::step].copy()),
        )
        found = tracker.track(detections, memory, frame).instances_id.tolist()
        if len(found) != len(members):
            raise RuntimeError('the tracker lost a mask, which it never does')
        for index, number in zip(members, found, strict=True):
            ids[index] = number
    return ids
