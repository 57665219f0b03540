"""Filmstrips of an error: the objects above, the tracks below."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmvis.visualization.contact_sheet import evenly_spaced
from mmvis.visualization.draw import display_scale
from mmvis.visualization.render import render_frame
from mmvis.visualization.video_tracks import DrawnTrack, read_frame

from .analysis import ErrorAnalysis
from .kinds import BACKGROUND, EXTENT, MISSED, SPLIT, TrackError
from .overlaps import VideoOverlaps

CELL_WIDTH = 240  # px that a frame has in the report
_LETTERS = 11  # px there
_GREY = 96
_MOST_OTHERS = 3


@dataclass
class Filmstrip:
    """Frames with masks, evenly spaced where track or objects of an error are.

    Attributes:
        moments: positions of the frames.
        objects: a (h, w, 3) uint8 BGR frame each, with the objects concerned. Number
            1 is the one that the error is about.
        tracks: likewise with tracks. Number 1 is the wrong one (none if missed), the
            others are those that found the object or parts of it.
    """

    moments: list[int]
    objects: list[np.ndarray]
    tracks: list[np.ndarray]


def make_filmstrip(
    analysis: ErrorAnalysis, error: TrackError, image_root: str | None, count: int
) -> Filmstrip:
    """Draw an error.

    Args:
        analysis: that it is of.
        error: what to draw.
        image_root: folder that the ``file_names`` are relative to; None for masks on
            plain grey.
        count: frames at most.

    Raises:
        FileNotFoundError: an image does not exist or cannot be decoded.
        ValueError: an image is of another size than its video.
    """
    video = analysis.overlaps(error.video_id)
    gts = [gt for gt in (error.target, *error.related) if gt is not None]
    if error.kind == BACKGROUND:
        gts = np.flatnonzero(~video.crowd).tolist()
    others = other_tracks(video, error)
    dets = [] if error.detection is None else [error.detection]
    if error.kind in (SPLIT, EXTENT, MISSED):
        # What is wrong lies where the track is not.
        shown = video.visible[:, gts].any(axis=1) | video.present[:, dets].any(axis=1)
    else:
        shown = video.present[:, dets].any(axis=1)
    frames = np.flatnonzero(shown).tolist()
    moments = [frames[i] for i in evenly_spaced(len(frames), count)]
    # A missed object has no wrong track: number 1 is left out.
    numbers = range(1 if dets else 2, 2 + len(others) + len(dets))
    objects = [
        DrawnTrack(n, video.object_labels[gt], None, video.objects[gt]['segmentations'])
        for n, gt in enumerate(gts, start=1)
    ]
    # Number 1 has the colour of what it is about, the others none of those above.
    about = {1: 1} if error.target is not None else {}
    tracks = [
        DrawnTrack(
            n,
            video.labels[det],
            video.scores[det],
            video.detections[det]['segmentations'],
            colour_id=about.get(n, len(gts) + n),
        )
        for n, det in zip(numbers, [*dets, *others], strict=False)
    ]
    drawn = [
        _draw(analysis, video, moment, (objects, tracks), image_root)
        for moment in moments
    ]
    return Filmstrip(moments, [pair[0] for pair in drawn], [pair[1] for pair in drawn])


def other_tracks(video: VideoOverlaps, error: TrackError) -> list[int]:
    """Tracks that explain an error: who has the object, or parts of it."""
    if error.target is None:
        return []
    ious = video.ious[:, error.target]
    same = video.labels == video.object_labels[error.target]
    if error.kind == MISSED:
        fits, most = ious > 0, _MOST_OTHERS
    elif error.kind == SPLIT:
        fits = video.follows[:, :, error.target].any(axis=0) & same
        most = _MOST_OTHERS
    elif not error.claims:
        # Another track has the object: the best of its category.
        fits, most = same & (ious > 0), 1
    else:
        return []
    if error.detection is not None:
        fits[error.detection] = False
    ranked = np.flatnonzero(fits)[np.argsort(-ious[fits], kind='stable')]
    return ranked[:most].tolist()


def _draw(
    analysis: ErrorAnalysis,
    video: VideoOverlaps,
    moment: int,
    rows: Sequence[Sequence[DrawnTrack]],
    image_root: str | None,
) -> list[np.ndarray]:
    size = video.video['height'], video.video['width']
    if image_root is None:
        image = np.full((*size, 3), _GREY, dtype=np.uint8)
    else:
        image = read_frame(image_root, video.video, moment)
        if image.shape[:2] != size:
            raise ValueError(
                f"'{video.video['file_names'][moment]}' in '{image_root}' has "
                f'{image.shape[0]} x {image.shape[1]} px, but its video in the '
                f'annotation file {size[0]} x {size[1]} (height x width)'
            )
    width = image.shape[1]
    scale = display_scale(width, CELL_WIDTH)
    drawn = [
        render_frame(
            image,
            tracks,
            moment,
            analysis.category_names,
            scale=scale,
            font_size=round(_LETTERS * max(1.0, width * scale / CELL_WIDTH)),
        )
        for tracks in rows
    ]
    if scale > 1:
        return drawn
    size = CELL_WIDTH, max(1, round(image.shape[0] * CELL_WIDTH / width))
    return [cv2.resize(cell, size, interpolation=cv2.INTER_AREA) for cell in drawn]
