"""MaskTracker: masks of a frame in, ids out; where the masks come from is no matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks, rle_to_bbox

from .association import NEW, associate
from .masks import Outlines, as_rles, check_array, outlines_of
from .settings import AssociationSettings
from .track_table import Detections, TrackTable, unit


class MaskTracker:
    """Gives the instances of a video's frames ids that hold.

    Online, in constant memory, and vectorised: a frame's cost is that of its masks.
    Any number of trackers may run side by side; none knows of the others.

    Args:
        class_names (Sequence[str], optional): Names by label, for :meth:`step`.
        settings (AssociationSettings, optional): What may follow what.
        **changes: Single settings, in the place of ``settings``.

    Examples:
        >>> tracker = MaskTracker()
        >>> for frame in video:
        ...     masks, scores, labels = segment(frame)  # whatever you have
        ...     ids = tracker.update(masks, scores, labels)
    """

    def __init__(
        self,
        class_names: Sequence[str] | None = None,
        settings: AssociationSettings | None = None,
        **changes: Any,
    ) -> None:
        if settings is not None and changes:
            raise ValueError('Give either settings or single ones, not both.')
        try:
            self.settings = settings or AssociationSettings(**changes)
        except TypeError:
            known = AssociationSettings.__dataclass_fields__
            unknown = ', '.join(sorted(set(changes) - set(known)))
            raise ValueError(
                f'{unknown} is no setting; those are {", ".join(known)}.'
            ) from None
        self.class_names = None if class_names is None else tuple(class_names)
        self.reset()

    def reset(self) -> None:
        """Begin a new video; ids begin at 0 again."""
        self._tracks = TrackTable.empty()
        self._next_id = 0
        self._frame = 0
        self._size: tuple[int, int] | None = None

    @property
    def num_frames(self) -> int:
        """Number of the next frame."""
        return self._frame

    @property
    def num_tracks(self) -> int:
        """Tracks that are remembered."""
        return len(self._tracks)

    def skip(self, num_frames: int = 1) -> None:
        """Frames without detections, damaged ones for example: time goes on."""
        self._frame += num_frames

    def rescale(self, x: float, y: float) -> None:
        """Frames show the same, x times as wide and y times as high, from now on."""
        self._tracks.rescale(np.array([x, y]))
        self._size = None

    def update(
        self,
        masks: Any,
        scores: Any = None,
        labels: Any = None,
        boxes: Any = None,
        looks: Any = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Ids of the instances of the next frame.

        Args:
            masks: (n, h, w) bool or integers, an array or a tensor; or n run-length
                encodings (COCO's dicts); or n lists of polygons; or Outlines of them,
                where those are known already. None: nothing.
            scores (optional): (n,) in [0, 1]; 1 by default.
            labels (optional): (n,) integers; 0 by default.
            boxes (optional): (n, 4) xyxy px; those of the masks by default. Only
                instances whose mask is empty take theirs from here.
            looks (optional): (n, d) anything that is alike, by its cosine, for one
                object and not for others.
            size (tuple[int, int], optional): Height and width; polygons need it.

        Returns:
            np.ndarray: (n,) int64; -1 for a duplicate, or an instance without a pixel
            or box.

        Raises:
            ValueError: Fields that do not fit together. The tracker stays as it was.
        """
        outlines, size = outlines_of(masks, size)
        dets = _detections(outlines, scores, labels, boxes, looks)
        return self.track(dets, size)

    def track(
        self, dets: Detections, size: tuple[int, int] | None = None
    ) -> np.ndarray:
        """As :meth:`update`, of what is prepared already."""
        if size is not None and self._size is not None and size != self._size:
            raise ValueError(
                f'Frame {self._frame} is {size[1]} x {size[0]} px (width x height), '
                f'those before are {self._size[1]} x {self._size[0]}: a video has one '
                'size (reset() begins another).'
            )
        self._size = size or self._size
        tracks, frame = self._tracks, self._frame
        tracks.select(frame - tracks.seen <= self.settings.retain)
        rows = associate(dets, tracks, frame, self.settings)
        ids = np.full(len(rows), -1, np.int64)
        known = np.flatnonzero(rows >= 0)
        ids[known] = tracks.ids[rows[known]]
        tracks.see(rows[known], dets, known, frame, self.settings.momentum)
        new = np.flatnonzero(rows == NEW)
        ids[new] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        if len(new):
            tracks.begin(ids[new], dets, new, frame)
        self._frame += 1
        return ids

    def step(
        self,
        masks: Any,
        scores: Any = None,
        labels: Any = None,
        boxes: Any = None,
        looks: Any = None,
        size: tuple[int, int] | None = None,
        outlines: Outlines | None = None,
    ) -> FrameResult:
        """As :meth:`update`, but the instances that have an id, as a FrameResult.

        It can be drawn, written and given to others (``to_supervision``); of a frame
        without masks the size must be known, by ``size`` or from earlier frames.
        ``outlines`` are those of the masks, where they are known already.
        """
        frame, size = self._frame, size or self._size
        if hasattr(masks, 'ndim'):
            check_array(masks)
        if masks is None or (not hasattr(masks, 'ndim') and len(masks) == 0):
            if size is None:
                raise ValueError('Nothing says how large the frame is: give size.')
            rles = []
        elif hasattr(masks, 'ndim'):
            rles = encode_masks(masks)
            size = tuple(masks.shape[1:])
        elif hasattr(masks[0], 'shape'):
            rles = encode_masks(np.stack([np.asarray(mask) for mask in masks]))
            size = tuple(masks[0].shape)
        else:
            rles = as_rles(masks, size)
            size = tuple(rles[0]['size'])
        shown = rles if outlines is None else outlines
        ids = self.update(shown, scores, labels, boxes, looks, size)
        rows = np.flatnonzero(ids >= 0)
        number = len(ids)
        scores = np.ones(number) if scores is None else _array(scores)
        labels = np.zeros(number, int) if labels is None else _array(labels)
        boxes = rle_to_bbox(rles) if boxes is None else _array(boxes)
        return FrameResult(
            frame_id=frame,
            size=size,
            bboxes=boxes[rows] if len(rows) else np.zeros((0, 4)),
            scores=scores[rows],
            labels=labels[rows],
            ids=ids[rows],
            rles=tuple(rles[row] for row in rows),
            class_names=self.class_names,
        )


def _detections(
    outlines: Outlines, scores: Any, labels: Any, boxes: Any, looks: Any
) -> Detections:
    """Checked fields of a frame's instances."""
    number = len(outlines)
    scores = np.ones(number) if scores is None else _array(scores).astype(float)
    labels = np.zeros(number, np.int64) if labels is None else _array(labels)
    if labels.dtype.kind not in 'iu' and labels.size:
        raise ValueError(f'labels are {labels.dtype}, not integers.')
    given = {'scores': scores, 'labels': labels}
    if boxes is not None:
        given['boxes'] = boxes = _array(boxes).astype(float).reshape(-1, 4)
    if number == 0:
        looks = None
    if looks is not None:
        looks = _array(looks).astype(float)
        given['looks'] = looks = looks.reshape(len(looks), -1)
    for name, values in given.items():
        if len(values) != number:
            raise ValueError(f'{len(values)} {name} for {number} masks.')
        if values.dtype.kind == 'f' and not np.isfinite(values).all():
            raise ValueError(f'{name} are not finite.')
    if boxes is not None:
        hidden = (outlines.areas <= 0) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        inside = outlines.inside | hidden[:, None, None]
        outlines = Outlines(np.where(hidden[:, None], boxes, outlines.boxes), inside)
    looks = None if looks is None else unit(looks)
    return Detections(outlines, scores, labels.astype(np.int64), looks)


def _array(values: Any) -> np.ndarray:
    if hasattr(values, 'detach'):  # a tensor, without importing torch to ask
        values = values.detach().cpu().numpy()
    return np.asarray(values)
