"""Items of a video dataset, made of the records of an annotation file."""

import os.path as osp

from mmvis.structures.frame_names import native_name
from mmvis.structures.rle import rle_area


def video_item(video: dict, prefix: str, first_id: int) -> dict:
    """The item of a video without objects; see ``YouTubeVISDataset`` for its form.

    Args:
        video: a record of the annotation file.
        prefix: folder of the frames.
        first_id: ``img_id`` of the first frame; the others follow.
    """
    images = [
        dict(
            img_path=osp.join(prefix, native_name(name)),
            file_name=name,
            img_id=first_id + frame,
            frame_id=frame,
            height=video['height'],
            width=video['width'],
            video_id=video['id'],
            instances=[],
        )
        for frame, name in enumerate(video['file_names'])
    ]
    return dict(
        video_id=video['id'],
        video_length=video['length'],
        ori_video_length=video['length'],
        images=images,
    )


def add_object(item: dict, annotation: dict, label: int, least_area: int) -> None:
    """Add an object to the frames of an item that show it.

    Args:
        item: of :func:`video_item`.
        annotation: a record of the annotation file; its ``segmentations`` are taken
            out, so that masks are not held twice.
        label: index of its class.
        least_area: pixels that a frame has to show of it.
    """
    masks = annotation.pop('segmentations')
    visible = [frame for frame, mask in enumerate(masks) if mask is not None]
    if least_area > 0:
        large = rle_area([masks[frame] for frame in visible]) >= least_area
        visible = [f for f, keep in zip(visible, large, strict=True) if keep]
    for frame in visible:
        x, y, w, h = annotation['bboxes'][frame]
        rle = masks[frame]
        item['images'][frame]['instances'].append(
            dict(
                bbox=[x, y, x + w, y + h],
                bbox_label=label,
                mask=dict(size=rle['size'], counts=rle['counts'].decode()),
                instance_id=annotation['id'],
                ignore_flag=annotation['iscrowd'],
            )
        )


def clip_of(item: dict, start: int, stop: int) -> dict[str, list]:
    """Frames of a video as lists, one entry a frame, which the pipeline broadcasts."""
    length = item['video_length']
    if not 0 <= start < stop <= length:
        raise IndexError(
            f'video {item["video_id"]!r} has {length} frames, not {start} to {stop}'
        )
    frames = item['images'][start:stop]
    clip = {key: [frame[key] for frame in frames] for key in frames[0]}
    clip['video_length'] = [len(frames)] * len(frames)
    clip['ori_video_length'] = [length] * len(frames)
    return clip
