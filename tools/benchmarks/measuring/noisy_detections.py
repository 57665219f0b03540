"""Ground-truth masks as a poor detector would find them, and how ids did on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.structures.rle import decode_masks


@dataclass
class Frame:
    """Detections of a frame; ``owners`` (n,) are the positions of their objects."""

    masks: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    looks: np.ndarray
    owners: np.ndarray


@dataclass
class Noise:
    """What goes wrong: shares of detections, and px as shares of a mask's size."""

    dropped: float = 0.1
    hidden: float = 0.02  # begins a gap of 3 to 15 frames
    jitter: float = 0.06
    grown: float = 0.15
    doubled: float = 0.08
    mislabelled: float = 0.03


_EXACT: dict[str, float] = dict(
    dropped=0, hidden=0, jitter=0, grown=0, doubled=0, mislabelled=0
)
# Each by itself twice as bad as all together, and all together.
NOISES = {
    'none': Noise(**_EXACT),
    'dropped': Noise(**{**_EXACT, 'dropped': 0.2, 'hidden': 0.04}),
    'jittered': Noise(**{**_EXACT, 'jitter': 0.12, 'grown': 0.3}),
    'doubled': Noise(**{**_EXACT, 'doubled': 0.16, 'jitter': 0.06, 'grown': 0.15}),
    'all': Noise(),
}


def noisy_frames(
    video: dict, tracks: list[dict], folder: Path, noise: Noise, seed: int
) -> Iterator[Frame]:
    """Detections of each frame of a video of an annotation file."""
    import cv2

    rng = np.random.RandomState(seed)
    height, width = video['height'], video['width']
    categories = sorted({track['category_id'] for track in tracks})
    gaps = np.zeros(len(tracks), int)
    for t, name in enumerate(video['file_names']):
        image = cv2.imread(str(folder / name))
        lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(np.float32) / 255
        rows: list[tuple] = []
        for owner, track in enumerate(tracks):
            rle = track['segmentations'][t]
            if rle is None:
                continue
            if gaps[owner] == 0 and rng.rand() < noise.hidden:
                gaps[owner] = rng.randint(3, 16)
            if gaps[owner] > 0:
                gaps[owner] -= 1
                continue
            if rng.rand() < noise.dropped:
                continue
            exact = decode_masks([rle], height, width)[0]
            label = categories.index(track['category_id'])
            if rng.rand() < noise.mislabelled:
                label = (label + 1) % max(2, len(categories))
            for copy in range(1 + (rng.rand() < noise.doubled)):
                mask = _shaken(exact, noise, rng)
                score = rng.uniform(0.5, 1.0) * (0.7 if copy else 1)
                if mask.any():
                    rows.append((mask, score, label, _looks(lab, mask), owner))
        rows.sort(key=lambda row: -row[1])
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        yield Frame(
            masks=np.array(columns[0], bool).reshape(-1, height, width),
            scores=np.array(columns[1], float),
            labels=np.array(columns[2], int),
            looks=np.array(columns[3], float).reshape(-1, 54),
            owners=np.array(columns[4], int),
        )


def _shaken(mask: np.ndarray, noise: Noise, rng: Any) -> np.ndarray:
    """A mask moved, grown or shrunk at random."""
    size = np.sqrt(mask.sum())
    shift = rng.normal(0, noise.jitter * size, 2)
    scale = np.exp(rng.normal(0, noise.grown))
    import cv2

    y, x = np.argwhere(mask).mean(0)
    matrix = np.array(
        [
            [scale, 0, shift[0] + x * (1 - scale)],
            [0, scale, shift[1] + y * (1 - scale)],
        ]
    )
    size_wh = mask.shape[::-1]
    return cv2.warpAffine(mask.astype(np.uint8), matrix, size_wh, flags=0) > 0


def _looks(lab: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A histogram of colours, minus the frame's: simple looks that need no network."""
    parts = []
    for channel in range(3):
        inside = np.histogram(lab[..., channel][mask], 18, (0, 1))[0]
        around = np.histogram(lab[..., channel], 18, (0, 1))[0]
        parts.append(inside / max(inside.sum(), 1) - around / around.sum())
    looks = np.concatenate(parts)
    return looks / max(np.linalg.norm(looks), 1e-9)


@dataclass
class Account:
    """Counts over videos: which object each reported mask was of, and its id."""

    found: int = 0
    reported: int = 0
    switches: int = 0
    teleports: int = 0
    pairs: Counter = field(default_factory=Counter)
    of_object: Counter = field(default_factory=Counter)
    of_id: Counter = field(default_factory=Counter)
    _latest: dict = field(default_factory=dict)
    _places: dict = field(default_factory=dict)

    def add(self, video: Any, t: int, frame: Frame, ids: np.ndarray) -> None:
        """Take a frame; ids (n,), -1 for none."""
        self.found += len(set(frame.owners.tolist()))
        best: dict[int, int] = {}
        for row, owner in enumerate(frame.owners.tolist()):
            if ids[row] < 0:
                continue
            track = (video, int(ids[row]))
            self.of_id[track] += 1
            self._jump(track, t, frame.masks[row], owner)
            best.setdefault(owner, row)  # the better one of duplicates comes first
        for owner in set(frame.owners.tolist()):
            self.of_object[video, owner] += 1
        for owner, row in best.items():
            self.reported += 1
            key, track = (video, owner), (video, int(ids[row]))
            self.pairs[key, track] += 1
            before = self._latest.get(key)
            self.switches += before is not None and before != track
            self._latest[key] = track

    def _jump(self, track: Any, t: int, mask: np.ndarray, owner: int) -> None:
        """Count it where a track moves by its size a frame, onto another object."""
        import cv2

        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        centre = np.array([x + width / 2, y + height / 2])
        size = np.sqrt(width * height)
        if track in self._places:
            was, then, small, before = self._places[track]
            far = np.linalg.norm(centre - was) > max(size, small) * (t - then)
            self.teleports += bool(far and before != owner)
        self._places[track] = centre, t, size, owner

    def numbers(self) -> dict[str, float]:
        """AssA (of the masks that could be found), id switches, teleports, reported."""
        shares = defaultdict(float)
        for (key, track), both in self.pairs.items():
            shares[key] += (
                both * both / (self.of_object[key] + self.of_id[track] - both)
            )
        return dict(
            AssA=sum(shares.values()) / max(self.found, 1),
            switches=self.switches,
            teleports=self.teleports,
            reported=self.reported / max(self.found, 1),
            ids=len(self.of_id),
        )
