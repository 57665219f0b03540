"""What a video model says of one frame, apart from torch and from the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from .rle import RLE, decode_masks, encode_masks

# Fields with one row an instance, and the dtype that they are kept in.
_COLUMNS = {
    'bboxes': np.float32,
    'scores': np.float32,
    'labels': np.int64,
    'ids': np.int64,
}
# Fields (n, ...) that models have which decide a track's class after all its frames.
_SOFT = ('class_scores', 'objectness')


# Not eq: == of arrays is no bool.
@dataclass(frozen=True, eq=False)
class FrameResult:
    """The tracked instances of a frame.

    Everything is checked when it is made, so that code which gets one can rely on it.
    Masks stay run-length encoded until ``masks`` is read.

    Attributes:
        frame_id (int): Number of the frame in its source, from 0.
        size (tuple[int, int]): Height and width of the frame in pixels.
        bboxes (np.ndarray): (n, 4) float32, xyxy in pixels of the frame.
        scores (np.ndarray): (n,) float32.
        labels (np.ndarray): (n,) int64, index into ``class_names``.
        ids (np.ndarray): (n,) int64; an object keeps its id through the video.
        rles (tuple[dict]): n run-length encoded masks of ``size``, counts of bytes.
        class_names (tuple[str] | None): Names by label.
        class_scores (np.ndarray | None): (n, num_classes) of a model that decides the
            class of a track by scores summed over its frames.
        objectness (np.ndarray | None): (n,) of such a model, if the score of any class
            in this frame is its class score times that.

    Raises:
        ValueError: Fields of different lengths, a mask of another size, an id that
            occurs twice, a label without a name, numbers that are not finite.
    """

    frame_id: int
    size: tuple[int, int]
    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    rles: tuple[RLE, ...]
    class_names: tuple[str, ...] | None = None
    class_scores: np.ndarray | None = None
    objectness: np.ndarray | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put('size', tuple(int(side) for side in self.size))
        put('rles', tuple(self.rles))
        if self.class_names is not None:
            put('class_names', tuple(self.class_names))
        for name, dtype in _COLUMNS.items():
            shape = (-1, 4) if name == 'bboxes' else (-1,)
            put(name, np.asarray(getattr(self, name), dtype=dtype).reshape(shape))
        for name, value in self._soft.items():
            put(name, np.asarray(value, dtype=np.float32))
        self._check()

    def _check(self) -> None:
        place = f'frame {self.frame_id}'
        lengths = {name: len(getattr(self, name)) for name in (*_COLUMNS, 'rles')}
        lengths |= {name: len(value) for name, value in self._soft.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f'{place}: fields of different lengths: {lengths}.')
        if not (np.isfinite(self.bboxes).all() and np.isfinite(self.scores).all()):
            raise ValueError(f'{place}: a box or a score is not finite.')
        if len(np.unique(self.ids)) != len(self.ids):
            raise ValueError(f'{place}: an id occurs twice: {sorted(self.ids)}.')
        limit = None if self.class_names is None else len(self.class_names)
        if len(self) and not 0 <= self.labels.min() <= self.labels.max() < (
            limit or np.inf
        ):
            raise ValueError(
                f'{place}: labels {self.labels.tolist()} for {limit} class names.'
            )
        for rle in self.rles:
            if tuple(rle['size']) != self.size:
                raise ValueError(
                    f'{place}: a mask of size {list(rle["size"])}, the frame is '
                    f'{list(self.size)} (height, width).'
                )

    @property
    def _soft(self) -> dict[str, np.ndarray]:
        """The fields that only some models have, those that this one has."""
        fields = {name: getattr(self, name) for name in _SOFT}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_instances(
        cls,
        frame_id: int,
        size: Sequence[int],
        instances: Any,
        class_names: Sequence[str] | None = None,
    ) -> FrameResult:
        """From a model's ``pred_track_instances``: bboxes, scores, labels,
        instances_id, masks (n RLEs, or (n, h, w) bool), perhaps class_scores and
        objectness."""
        masks = instances.masks
        if not isinstance(masks, (list, tuple)):
            masks = encode_masks(masks)
        soft = {name: _array(instances[name]) for name in _SOFT if name in instances}
        height, width = size
        return cls(
            frame_id=frame_id,
            size=(height, width),
            bboxes=_array(instances.bboxes),
            scores=_array(instances.scores),
            labels=_array(instances.labels),
            ids=_array(instances.instances_id),
            rles=tuple(masks),
            class_names=None if class_names is None else tuple(class_names),
            **soft,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> FrameResult:
        """Some of the instances: a slice, an array of positions, or (n,) bool."""
        index = slice(0) if isinstance(index, list) and not index else index
        rows = np.atleast_1d(np.arange(len(self))[index])
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        columns |= {name: value[rows] for name, value in self._soft.items()}
        rles = tuple(self.rles[row] for row in rows)
        return replace(self, **columns, rles=rles)

    @cached_property
    def masks(self) -> np.ndarray:
        """(n, h, w) bool, decoded when first asked for."""
        return decode_masks(self.rles, *self.size)

    @property
    def names(self) -> list[str]:
        """Name of each instance's class; its number where names are not known."""
        if self.class_names is None:
            return [str(label) for label in self.labels.tolist()]
        return [self.class_names[label] for label in self.labels]

    def above(self, score: float) -> FrameResult:
        """The instances with at least this score."""
        return self[self.scores >= score]

    def of_classes(self, classes: Iterable[str | int]) -> FrameResult:
        """The instances of some classes, by name or label.

        Raises:
            ValueError: There is no class of this name.
        """
        return self[np.isin(self.labels, labels_of(classes, self.class_names))]

    def to_numpy(self) -> dict[str, np.ndarray]:
        """bboxes, scores, labels, ids and masks as plain arrays."""
        return {name: getattr(self, name) for name in (*_COLUMNS, 'masks')}

    def to_supervision(self) -> Any:
        """``supervision.Detections`` with tracker ids, masks and class names.

        Raises:
            ImportError: The package supervision is not installed.
        """
        from .tool_objects import to_supervision

        return to_supervision(self)

    def to_fiftyone(self) -> Any:
        """``fiftyone.Detections``: masks inside of relative boxes, the id as index.

        Raises:
            ImportError: The package fiftyone is not installed.
        """
        from .tool_objects import to_fiftyone

        return to_fiftyone(self)

    def to_json(self) -> list[dict]:
        """One dict an instance, of what json knows: id, label, name, score, bbox (xyxy)
        and segmentation (an RLE with counts of text)."""
        return [
            dict(
                id=int(self.ids[row]),
                label=int(self.labels[row]),
                name=name,
                score=float(self.scores[row]),
                bbox=[float(value) for value in self.bboxes[row]],
                segmentation=dict(
                    size=list(self.size), counts=self.rles[row]['counts'].decode()
                ),
            )
            for row, name in enumerate(self.names)
        ]

    def to_tracks(self) -> dict[str, Any]:
        """In the words of ``VideoTracks.add_frame``."""
        return dict(
            scores=self.scores,
            labels=self.labels,
            instances_id=self.ids,
            masks=list(self.rles),
            **self._soft,
        )


def labels_of(
    classes: Iterable[str | int], class_names: Sequence[str] | None
) -> list[int]:
    """Labels of classes that are given by name or label; a single name is one class.

    Raises:
        ValueError: There is no class of this name or label.
    """
    names = None if class_names is None else list(class_names)
    labels: list[int] = []
    for name in [classes] if isinstance(classes, str) else classes:
        number = name
        if isinstance(name, str):
            if names is not None and name in names:
                number = names.index(name)
            elif names is None and name.isdecimal():
                number = int(name)
        if not isinstance(number, Integral) or not 0 <= number < (
            np.inf if names is None else len(names)
        ):
            known = (
                'names are not known, give numbers from 0'
                if names is None
                else f'those are {", ".join(names) or "none"}'
            )
            raise ValueError(f'There is no class {name!r}; {known}.')
        labels.append(int(number))
    return labels


def _array(values: Any) -> np.ndarray:
    """A tensor, on any device, or anything else as an array."""
    if hasattr(values, 'detach'):
        values = values.detach().float() if values.is_floating_point() else values
        return values.cpu().numpy()
    return np.asarray(values)
