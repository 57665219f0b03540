"""What is remembered of a video: one row in each of a few arrays a living track."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .masks import SIDE, Outlines
from .motion import new_velocity, sizes

# Frames after which nothing is known of how a track moves.
_GONE = 3


@dataclass
class Detections:
    """What a frame shows, n masks.

    Attributes:
        outlines (Outlines): Where they are.
        scores (np.ndarray): (n,) in [0, 1].
        labels (np.ndarray): (n,) int64.
        looks (np.ndarray | None): (n, d) of length 1, or zeros for none.
    """

    outlines: Outlines
    scores: np.ndarray
    labels: np.ndarray
    looks: np.ndarray | None


@dataclass
class TrackTable:
    """The living tracks, m rows in the order of their ids.

    Attributes:
        ids (np.ndarray): (m,) int64.
        seen (np.ndarray): (m,) int64 frame in which a track was last seen.
        times (np.ndarray): (m,) int64 how often it was seen.
        run (np.ndarray): (m,) int64 how often since it began or was gone for long.
        boxes (np.ndarray): (m, 4) where, xyxy px.
        inside (np.ndarray): (m, SIDE, SIDE) outline there.
        velocity (np.ndarray): (m, 2) px a frame.
        usual (np.ndarray): (m,) usual size, px.
        labels (np.ndarray): (m,) int64 label of most of its score so far.
        trust (np.ndarray): (m,) by how much score that label leads.
        looks (np.ndarray): (m, d) running mean; d is 0 without looks.
    """

    ids: np.ndarray
    seen: np.ndarray
    times: np.ndarray
    run: np.ndarray
    boxes: np.ndarray
    inside: np.ndarray
    velocity: np.ndarray
    usual: np.ndarray
    labels: np.ndarray
    trust: np.ndarray
    looks: np.ndarray

    @classmethod
    def empty(cls) -> TrackTable:
        """No track."""
        whole = np.zeros(0, np.int64)
        return cls(
            *(
                whole,
                whole,
                whole,
                whole,
                np.zeros((0, 4)),
                np.zeros((0, SIDE, SIDE), bool),
            ),
            *(np.zeros((0, 2)), np.zeros(0), whole, np.zeros(0), np.zeros((0, 0))),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def outlines(self) -> Outlines:
        """Where the tracks were last seen."""
        return Outlines(self.boxes, self.inside)

    def select(self, rows: np.ndarray) -> None:
        """Keep some rows: positions, or (m,) bool."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[rows])

    def rescale(self, scale: np.ndarray) -> None:
        """Frames are (2,) ``scale`` times as wide and high from now on."""
        self.boxes = self.boxes * np.tile(scale, 2)
        self.velocity = self.velocity * scale
        self.usual = self.usual * np.sqrt(scale.prod())

    def see(
        self,
        rows: np.ndarray,
        dets: Detections,
        chosen: np.ndarray,
        frame: int,
        momentum: float,
    ) -> None:
        """Tracks (k,) rows are seen again as detections (k,) ``chosen``."""
        boxes = dets.outlines.boxes[chosen]
        age = np.maximum(frame - self.seen[rows], 1)
        first = self.times[rows] == 1
        self.velocity[rows], self.usual[rows] = new_velocity(
            *(self.boxes[rows], boxes, self.velocity[rows], self.usual[rows]),
            *(age, first),
        )
        self.boxes[rows] = boxes
        self.inside[rows] = dets.outlines.inside[chosen]
        self.seen[rows] = frame
        self.times[rows] += 1
        self.run[rows] = np.where(age > _GONE, 1, self.run[rows] + 1)
        # Majority by a single counter: an other label takes over when the lead is gone.
        labels, scores = dets.labels[chosen], dets.scores[chosen]
        same = self.labels[rows] == labels
        trust = self.trust[rows] + np.where(same, scores, -scores)
        self.labels[rows] = np.where(trust < 0, labels, self.labels[rows])
        self.trust[rows] = np.abs(trust)
        if dets.looks is not None and self.looks.shape[1]:
            latest, before = dets.looks[chosen], self.looks[rows]
            known = latest.any(1, keepdims=True)
            share = np.where(before.any(1, keepdims=True), momentum, 1.0) * known
            self.looks[rows] = unit(before + share * (latest - before))

    def begin(
        self, ids: np.ndarray, dets: Detections, chosen: np.ndarray, frame: int
    ) -> None:
        """New tracks (k,) of detections (k,) ``chosen``; their ids are the highest."""
        boxes = dets.outlines.boxes[chosen]
        depth = 0 if dets.looks is None else dets.looks.shape[1]
        looks = (
            np.zeros((len(ids), depth)) if dets.looks is None else dets.looks[chosen]
        )
        if self.looks.shape[1] != depth and not len(self):
            self.looks = np.zeros((0, depth))
        if self.looks.shape[1] != looks.shape[1]:  # looks that came or went midway
            looks = np.zeros((len(ids), self.looks.shape[1]))
        new = TrackTable(
            ids=ids,
            seen=np.full(len(ids), frame),
            times=np.ones(len(ids), np.int64),
            run=np.ones(len(ids), np.int64),
            boxes=boxes,
            inside=dets.outlines.inside[chosen],
            velocity=np.zeros((len(ids), 2)),
            usual=sizes(boxes),
            labels=dets.labels[chosen],
            trust=dets.scores[chosen].astype(float),
            looks=looks,
        )
        for field in fields(self):
            both = [getattr(self, field.name), getattr(new, field.name)]
            setattr(self, field.name, np.concatenate(both))


def unit(looks: np.ndarray) -> np.ndarray:
    """Rows of length 1; zeros stay zeros."""
    length = np.linalg.norm(looks, axis=1, keepdims=True)
    return looks / np.maximum(length, 1e-12)
