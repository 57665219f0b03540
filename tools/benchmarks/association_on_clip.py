"""Association on a real clip, without annotations: what moves is masked, and tracked.

    python tools/benchmarks/association_on_clip.py vtest.avi --stop 770

Masks are what differs from the background of a camera that stands still (OpenCV's
MOG2), so that people are lost, cut and joined often; looks are the colours inside. A
teleport is a track that moves by more than its own size a frame, whatever it was of.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator

import cv2
import numpy as np

# Frames that the background is learned from.
_FIRST = 20


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('video')
    parser.add_argument('--stop', type=int, help='only so many frames')
    parser.add_argument('--least', type=int, default=300, help='px of a mask')
    return parser.parse_args(argv)


def moving(video: str, least: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (h, w, 3), and the masks (n, h, w) bool of what moves in them."""
    from mmvis.apis import open_source

    background = cv2.createBackgroundSubtractorMOG2(300, 25, True)
    round_, tall = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)), (11, 7)
    for frame in open_source(video):
        found = (background.apply(frame.image) > 200).astype(np.uint8)
        if frame.index < _FIRST:
            continue
        found = cv2.morphologyEx(found, cv2.MORPH_OPEN, round_)
        found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones(tall))
        number, parts, about, _ = cv2.connectedComponentsWithStats(found)
        large = [n for n in range(1, number) if about[n, cv2.CC_STAT_AREA] >= least]
        yield frame.image, parts == np.array(large, int).reshape(-1, 1, 1)


class Tracks:
    """Counts of a tracker."""

    def __init__(self) -> None:
        self.masks = self.reported = self.teleports = 0
        self.farthest = 0.0
        self.frames: dict[int, int] = defaultdict(int)
        self._latest: dict[int, tuple] = {}

    def add(self, t: int, masks: np.ndarray, ids: np.ndarray) -> None:
        """Take the ids (n,) of a frame."""
        self.masks += len(ids)
        self.reported += int((ids >= 0).sum())
        for mask, track in zip(masks, ids.tolist(), strict=True):
            if track < 0:
                continue
            x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
            centre = np.array([x + width / 2, y + height / 2])
            size = np.sqrt(width * height)
            if track in self._latest:
                then, before, was = self._latest[track]
                far = float(np.linalg.norm(centre - before))
                if far > max(size, was) * (t - then):
                    self.teleports += 1
                    self.farthest = max(self.farthest, far)
            self._latest[track] = t, centre, size
            self.frames[track] += 1

    def __str__(self) -> str:
        median = np.median(list(self.frames.values())) if self.frames else 0
        return (
            f'{self.masks} masks, {self.reported / max(self.masks, 1):.1%} reported, '
            f'{len(self.frames)} ids of {median:g} frames (median), '
            f'{self.teleports} teleports, the farthest by {self.farthest:.0f} px'
        )


def main(argv: list[str] | None = None) -> None:
    from measuring.association_runs import runs
    from measuring.noisy_detections import Frame

    from mmvis.tracking import colour_looks

    args = parse_args(argv)
    trackers = {name: make() for name, make in runs({}).items() if name != 'the truth'}
    tracks = {name: Tracks() for name in trackers}
    for t, (image, masks) in enumerate(moving(args.video, args.least)):
        if t == args.stop:
            break
        number = np.arange(len(masks))
        looks = colour_looks(image, masks)
        shown = Frame(masks, np.ones(len(masks)), 0 * number, looks, number)
        for name, tracker in trackers.items():
            tracks[name].add(t, masks, tracker(t, shown))
    for name, found in tracks.items():
        print(f'{name:18s}{found}')


if __name__ == '__main__':
    main()
