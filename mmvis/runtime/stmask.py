"""STMask around its exported networks: detections, propagation, tracks, masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .boxes import decode, fast_nms, fast_nms_per_class, greedy_nms, grid_anchors
from .embedding_tracker import EmbeddingTracker
from .kept_anchors import by_shape, places_of
from .masks import assemble_masks, boxes_to_frame, to_frame
from .model_file import ModelFile
from .preparation import Geometry, Preparation
from .track_memory import TrackMemory

Fields = dict[str, np.ndarray]


@dataclass
class STMaskState:
    """What is remembered of a video: its tracks and the last frame's maps."""

    memory: TrackMemory
    maps: Fields = field(default_factory=dict)
    sizes: Geometry | None = None


class STMaskRunner:
    """STMask, one frame after the other.

    Args:
        file (ModelFile): Of an STMask: ``x.onnx``, ``x.kept.onnx`` where that leaves
            out what only detections need, and ``x.temporal.onnx`` where it has
            temporal fusion.
    """

    def __init__(self, file: ModelFile) -> None:
        settings = file.settings
        self.prepare = Preparation(file.about['preparation'], file.about['size'])
        self._head: dict[str, Any] = settings['head']
        self._activation = settings['coefficient_activation']
        # Files that say nothing are of a time when it could not be set.
        self._mask_thr = settings.get('mask_thr', 0.5)
        self._frame = file.network('frame')
        postponed = 'kept' in file.about.get('parts', ())
        self._kept = file.network('kept') if postponed else None
        self._temporal = file.network('temporal') if settings['temporal'] else None
        self._temporal_coder = settings['temporal']
        self._tracker = EmbeddingTracker(settings['tracker'])
        self._anchors: dict[tuple[int, int], np.ndarray] = {}

    def init_state(self) -> STMaskState:
        """An empty memory of tracks, and no frame before."""
        return STMaskState(self._tracker.init_memory())

    def predict_frame(
        self, image: np.ndarray, frame_id: int, state: STMaskState
    ) -> Fields:
        """The tracked instances of a frame (h, w, 3) uint8 BGR.

        Returns:
            dict: bboxes (n, 4), scores, labels, ids (n,) and masks (n, h, w) bool, all
            of the frame's size.
        """
        frame, sizes = self.prepare(image)
        maps = {
            name: value[0] for name, value in self._frame({'frames': frame}).items()
        }
        dets = self.detect(maps, sizes.padded)
        self._propagate(maps, sizes, state)
        state.maps = (
            {name: maps[name] for name in ('correlated', 'joined')}
            if (self._temporal)
            else {}
        )
        state.sizes = sizes
        found = self._tracker.track(dets, state.memory, frame_id)
        return dict(
            bboxes=boxes_to_frame(found['bboxes'], sizes),
            scores=found['scores'],
            labels=found['labels'],
            ids=found['ids'],
            masks=to_frame(found['masks'], sizes, self._mask_thr),
        )

    def detect(self, maps: Fields, input_shape: tuple[int, int]) -> Fields:
        """The detections of a frame, duplicates removed, best first.

        Args:
            maps: deltas (N, 4), probabilities (N, C), centerness (N,), prototypes
                (K, h, w), and coefficients (N, K) and embeddings (N, D), or the
                features (C, cells) that both are made of.
            input_shape: Height and width of the padded input.
        """
        head, nms = self._head, self._head['nms']
        probabilities, deltas = maps['probabilities'], maps['deltas']
        best, labels = probabilities.max(1), probabilities.argmax(1)
        usable = ~np.isnan(maps['centerness']) & np.isfinite(deltas).all(1)
        rows = np.flatnonzero((best > head['score_thr']) & usable)
        centerness, labels = maps['centerness'][rows], labels[rows]
        anchors = self.anchors(input_shape)
        boxes = decode(anchors[rows], deltas[rows], head['coder'])
        scores = best[rows] * centerness
        limit, most = nms['iou_threshold'], head['max_per_img']
        if nms['type'] == 'fast_nms_per_class':
            kept, labels, scores = fast_nms_per_class(
                *(boxes, probabilities[rows] * centerness[:, None]),
                *(head['score_thr'], limit, nms['top_k'], most),
            )
        else:
            if nms['type'] == 'fast_nms':
                kept = fast_nms(boxes, scores, limit, nms['top_k'])[:most]
            else:
                kept = greedy_nms(boxes, scores, limit, most)
            labels, scores = labels[kept], scores[kept]
        if head['min_score'] is not None:
            good = scores > head['min_score']
            kept, labels, scores = kept[good], labels[good], scores[good]
        boxes, rows = boxes[kept], rows[kept]
        coefficients, embeddings = self._of_kept(maps, rows, input_shape)
        return dict(
            bboxes=boxes,
            scores=scores,
            labels=labels.astype(np.int64),
            coefficients=coefficients,
            embeddings=embeddings,
            masks=self._masks(maps['prototypes'], coefficients, boxes, input_shape),
        )

    def _of_kept(
        self, maps: Fields, rows: np.ndarray, input_shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (n, K) and embeddings (n, D) of some anchors (n,)."""
        if self._kept is None:
            return maps['coefficients'][rows], maps['embeddings'][rows]
        if not len(rows):
            sizes = len(maps['prototypes']), self._head['embed_channels']
            return np.zeros((0, sizes[0]), np.float32), np.zeros((0, sizes[1]), 'f4')
        shapes = len(self._head['anchor_cells'])
        places = places_of(rows // shapes, self._sizes(input_shape))
        places, deltas, slots = by_shape(
            rows % shapes, shapes, places, maps['deltas'][rows]
        )
        names = ('coefficient_features', 'embedding_features')
        features = {name: maps[name][None] for name in names}
        found = self._kept(dict(features, places=places, deltas=deltas))
        return found['coefficients'][slots], found['embeddings'][slots]

    def _sizes(self, input_shape: tuple[int, int]) -> list[tuple[int, int]]:
        """Heights and widths of the levels, each made by steps of two that round up."""
        height, width = input_shape
        return [(-(-height // s), -(-width // s)) for s in self._head['strides']]

    def anchors(self, input_shape: tuple[int, int]) -> np.ndarray:
        """Anchors (N, 4) of an input of this height and width."""
        if input_shape not in self._anchors:
            self._anchors[input_shape] = grid_anchors(
                self._head['anchor_cells'], self._sizes(input_shape), input_shape
            )
        return self._anchors[input_shape]

    def _masks(
        self,
        prototypes: np.ndarray,
        coefficients: np.ndarray,
        boxes: np.ndarray,
        input_shape: tuple[int, int],
    ) -> np.ndarray:
        return assemble_masks(
            prototypes, coefficients, boxes, input_shape, self._activation
        )

    def _propagate(self, maps: Fields, sizes: Geometry, state: STMaskState) -> None:
        """Carry the tracks to this frame (eqs. 10-14), as far as sizes allow."""
        memory, before = state.memory, state.sizes
        if not len(memory) or before is None:
            return
        fields = memory.fields
        if (before.padded, before.content) != (sizes.padded, sizes.content):
            # Maps of unequal size cannot be correlated.
            y, x = (
                new / old
                for new, old in zip(sizes.content, before.content, strict=True)
            )
            scale = np.array([x, y, x, y], np.float32)
            fields['bboxes'] = fields['bboxes'] * scale
            fields['masks'] = np.zeros_like(fields['masks'])
        elif self._temporal is not None:
            boxes = fields['bboxes']
            height, width = maps['correlated'].shape[-2:]
            y, x = height / sizes.padded[0], width / sizes.padded[1]
            changes = self._temporal(
                dict(
                    previous_correlated=state.maps['correlated'][None],
                    previous_joined=state.maps['joined'][None],
                    correlated=maps['correlated'][None],
                    joined=maps['joined'][None],
                    cells=boxes * np.array([x, y, x, y], np.float32),
                )
            )
            boxes = decode(boxes, changes['deltas'], self._temporal_coder['coder'])
            coefficients = fields['coefficients'] + changes['increments']
            fields['bboxes'], fields['coefficients'] = boxes, coefficients
            fields['masks'] = self._masks(
                maps['prototypes'], coefficients, boxes, sizes.padded
            )
