"""How the tracks and the objects of a video overlap, frame by frame."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmvis.structures.track_iou import frame_intersections, track_areas

from ..vis_eval import MAX_DETECTIONS, GroundTruth, id_order

# Below this IoU a mask is not on an object, nor a track about it: TIDE's t_b.
BACKGROUND_IOU = 0.1
# From this IoU on a mask follows an object.
FOLLOWING_IOU = 0.5


@dataclass
class VideoOverlaps:
    """D tracks and G objects of one video of T frames, all categories together.

    Tracks come by category and in it by falling score, those alone that the protocol
    uses: 100 a category. Crowds are no objects that an error could be about.

    Attributes:
        video: the entry of the annotation file.
        detections: D results; their masks are those that were evaluated.
        objects: G annotations.
        scores: (D,) float64.
        labels: (D,) int, positions in the list of categories.
        object_labels: (G,) int, likewise.
        crowd: (G,) bool.
        ious: (D, G) float64, spatio-temporal IoU as the metric has it.
        present: (T, D) bool, the track has a pixel.
        visible: (T, G) bool, the object has one.
        places: (T, D) int, the object that the track is on: the one of highest IoU in
            this frame if that is at least :data:`BACKGROUND_IOU`, else -1.
        follows: (T, D, G) bool, IoU in this frame of at least :data:`FOLLOWING_IOU`.
        at_once: (D, G) int, frames in which the track is on the object and covers half
            of it, and so with a second object.
        frames_on: (D, G) int, frames with the object as the track's place.
        mask_quality: (D, G) float64, IoU over the frames that :attr:`frames_on` counts.
        association: (D, G) float64, the IoU that the track would have if in these
            frames it had the object's own masks.
    """

    video: dict
    detections: list[dict]
    objects: list[dict]
    scores: np.ndarray
    labels: np.ndarray
    object_labels: np.ndarray
    crowd: np.ndarray
    ious: np.ndarray
    present: np.ndarray
    visible: np.ndarray
    places: np.ndarray = field(repr=False)
    follows: np.ndarray = field(repr=False)
    at_once: np.ndarray
    frames_on: np.ndarray
    mask_quality: np.ndarray
    association: np.ndarray


def overlaps_of(truth: GroundTruth, results: Sequence[dict]) -> list[VideoOverlaps]:
    """Overlaps of every video, in the order of the protocol.

    No mask is decoded: intersections come from run lengths, a call a frame.

    Args:
        truth: the ground truth to compare with.
        results: as ``truth.match`` takes them.
    """
    tracks = defaultdict(list)
    for result in results:
        tracks[result['video_id'], result['category_id']].append(result)
    objects = defaultdict(list)
    labels = {category_id: k for k, category_id in enumerate(truth.category_ids)}
    for annotation in truth.annotations:
        if annotation['category_id'] in labels:
            objects[annotation['video_id']].append(annotation)
    overlaps = []
    for video in sorted(truth.videos, key=lambda video: id_order(video['id'])):
        ranked = []
        for category_id in truth.category_ids:
            found = tracks.get((video['id'], category_id), [])
            order = np.argsort([-r['score'] for r in found], kind='stable')
            ranked += [found[i] for i in order[: MAX_DETECTIONS[-1]]]
        overlaps.append(_video_overlaps(video, ranked, objects[video['id']], labels))
    return overlaps


def _video_overlaps(
    video: dict, detections: list[dict], objects: list[dict], labels: dict
) -> VideoOverlaps:
    length = video['length']
    det_masks = [detection['segmentations'] for detection in detections]
    gt_masks = [annotation['segmentations'] for annotation in objects]
    det_areas = track_areas(det_masks, length)
    gt_areas = track_areas(gt_masks, length)
    shared = frame_intersections(det_masks, gt_masks, det_areas, gt_areas)
    unions = det_areas.T[:, :, None] + gt_areas.T[:, None] - shared
    frame_ious = shared / np.maximum(unions, 1)
    crowd = np.array([bool(a['iscrowd']) for a in objects], dtype=bool)

    candidates = np.where(crowd, 0, frame_ious)
    touches = candidates >= BACKGROUND_IOU
    places = np.full(candidates.shape[:2], -1)
    if len(objects):
        places = np.where(touches.any(axis=2), candidates.argmax(axis=2), -1)
    on = places[:, :, None] == np.arange(len(objects))
    covers = touches & (2 * shared >= gt_areas.T[:, None])
    several = covers.sum(axis=2, keepdims=True) > 1

    shared_on = (shared * on).sum(axis=0)
    union_on = (unions * on).sum(axis=0)
    object_on = (gt_areas.T[:, None] * on).sum(axis=0)
    union = unions.sum(axis=0)
    return VideoOverlaps(
        video=video,
        detections=detections,
        objects=objects,
        scores=np.array([d['score'] for d in detections], dtype=np.float64),
        labels=np.array([labels[d['category_id']] for d in detections], dtype=int),
        object_labels=np.array([labels[a['category_id']] for a in objects], dtype=int),
        crowd=crowd,
        ious=shared.sum(axis=0) / np.maximum(union, 1),
        present=det_areas.T > 0,
        visible=gt_areas.T > 0,
        places=places,
        follows=candidates >= FOLLOWING_IOU,
        at_once=(covers & several).sum(axis=0),
        frames_on=on.sum(axis=0),
        mask_quality=shared_on / np.maximum(union_on, 1),
        association=object_on / np.maximum(object_on + union - union_on, 1),
    )
