"""Hand-made scenes of one difficulty each, with the right answer.

A rule that mends one of them easily breaks another: what lets a walker come out behind
a post lets a track jump onto a neighbour. So all are judged at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

import cv2
import numpy as np

from .association_runs import Tracker
from .noisy_detections import Frame

HEIGHT, WIDTH = 160, 360
# Fewer pixels of an object are not found.
_LEAST = 12


@dataclass
class Scene:
    """Frames of one video; what has an owner below 0 may have any id, or none."""

    name: str
    frames: list[Frame] = field(default_factory=list)

    def add(self, *rows: tuple[np.ndarray, int, float, int]) -> None:
        """A frame: (mask, owner, score, label) of each object."""
        seen = [row for row in rows if row[0].sum() >= _LEAST]
        masks, owners, scores, labels = zip(*seen, strict=True) if seen else [()] * 4
        frame = Frame(
            masks=np.array(masks, bool).reshape(-1, HEIGHT, WIDTH),
            scores=np.array(scores, float),
            labels=np.array(labels, int),
            looks=np.zeros((len(seen), 1)),
            owners=np.array(owners, int),
        )
        self.frames.append(frame)


def ellipse(x: float, y: float, width: float, height: float) -> np.ndarray:
    """(h, w) bool around a centre, px."""
    rows = np.arange(HEIGHT)[:, None] + 0.5
    columns = np.arange(WIDTH)[None] + 0.5
    return ((columns - x) * 2 / width) ** 2 + ((rows - y) * 2 / height) ** 2 <= 1


def bar(x: float, y: float, length: float, width: float, angle: float) -> np.ndarray:
    """(h, w) bool: a rectangle around a centre, px, turned by degrees."""
    corners = cv2.boxPoints(((x, y), (length, width), angle))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    return cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1) > 0


def _larger_piece(mask: np.ndarray) -> np.ndarray:
    number, parts, about, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    if number <= 2:
        return mask
    return parts == 1 + about[1:, cv2.CC_STAT_AREA].argmax()


def posts() -> Iterator[Scene]:
    """Walkers and cars behind a post; beside it another stands, or none."""
    shapes = {
        'walker': (26, 70, False),
        'walker, larger piece': (26, 70, True),
        'child, larger piece': (16, 30, True),
        'car': (70, 36, False),
    }
    for (shape, (width, height, cut)), post, speed, rival in product(
        shapes.items(), range(15, 61, 5), (2, 3, 5, 8, 12), (False, True)
    ):
        scene = Scene(f'{shape}, {post} px, {speed} px a frame, another {rival}')
        front = np.zeros((HEIGHT, WIDTH), bool)
        front[:, 180 : 180 + post] = True
        begin = 180 - width / 2 - 7 * speed
        end = 180 + post + width / 2 + 5 * speed
        other = ellipse(330, 60, width / 2, height)
        for x in np.arange(begin, end, speed):
            seen = ellipse(x, 80, width, height) & ~front
            seen = _larger_piece(seen) if cut else seen
            scene.add((seen, 0, 0.9, 0), *[(other, 1, 0.8, 0)] * rival)
        yield scene


def nested() -> Iterator[Scene]:
    """A child before its mother, and a head that is found beside the whole body."""
    for first, speed, joins in product((True, False), (0, 2, 5), (0, 4, 12)):
        scene = Scene(f'child {first} {speed} px a frame from {joins}')
        for t in range(24):
            x = 60 + speed * t
            child = ellipse(x + 6, 110, 24, 50)
            mother = ellipse(x, 85, 44, 110) & ~child
            scores = (0.9, 0.8) if first else (0.8, 0.9)
            rows = [(mother, 0, scores[1], 0), (child, 1, scores[0], 0)]
            scene.add(*rows[: 2 if t >= joins else 1])
        yield scene
    for first, speed, every, tall in product(
        (True, False), (0, 2, 5), (1, 2, 3, 5), (20, 36, 54)
    ):
        scene = Scene(f'head {first} {speed} px a frame every {every} of {tall} px')
        for t in range(24):
            x = 60 + speed * t
            body = ellipse(x, 85, 40, 110)
            head = body.copy()
            head[30 + tall :] = False
            scores = (0.9, 0.8) if first else (0.8, 0.9)
            rows = [(body, 0, scores[1], 0), (head, -1, scores[0], 0)]
            scene.add(*rows[: 2 if t % every == 0 else 1])
        yield scene


def turning() -> Iterator[Scene]:
    """Bars that turn by 90 degrees within a few frames, about an end or the middle."""
    for frames, end, speed, shape in product(
        (1, 2, 3, 5, 8), (False, True), (0, 3), ((70, 8), (70, 16), (50, 24))
    ):
        scene = Scene(f'{shape} in {frames} frames, end {end}, {speed} px a frame')
        angles = [0.0] * 5 + [90 * (n + 1) / frames for n in range(frames)] + [90.0] * 4
        angles += [90 - a for a in angles[5:]]
        for t, angle in enumerate(angles):
            turn = np.deg2rad(angle)
            x, y = 130 + speed * t, 60 + 0.5 * speed * t
            if end:
                x, y = x + shape[0] / 2 * np.cos(turn), y + shape[0] / 2 * np.sin(turn)
            scene.add((bar(x, y, *shape, angle), 0, 0.9, 0))
        yield scene
    for step, shape in product((20, 45, 70, 90), ((70, 8), (70, 16))):
        scene = Scene(f'{shape} by {step} degrees a frame')
        for t in range(16):
            scene.add((bar(130 + 2 * t, 80, *shape, step * t), 0, 0.9, 0))
        yield scene


def fast() -> Iterator[Scene]:
    """The only one of its class, faster than its size a frame."""
    for share, bend, size, other in product(
        (1.3, 1.7, 2.1, 2.5, 2.9, 3.3), (0.0, 0.15), (14, 24), (False, True)
    ):
        scene = Scene(f'{share} sizes of {size} px a frame, {bend} {other}')
        x, y, turn = 10.0, 40.0, 0.2
        stands = ellipse(180, 130, 30, 30)
        while 5 < x < WIDTH - 5 and 5 < y < HEIGHT - 5:
            rows = [(ellipse(x, y, size, size), 0, 0.9, 0)]
            scene.add(*rows, *[(stands, 1, 0.8, 1)] * other)
            x, y = x + share * size * np.cos(turn), y + share * size * np.sin(turn)
            turn += bend if y < 80 else -bend
        yield scene


def quick() -> Iterator[Scene]:
    """Nearly its size a frame, from rest, while another of the class stands."""
    for share, rest, size, swing in product(
        (0.6, 0.8, 0.95), (0, 1, 6), (14, 24), (False, True)
    ):
        scene = Scene(f'{share} sizes of {size} px a frame, {rest} at rest, {swing}')
        stands = ellipse(180, 130, 30, 30)
        for t in range(rest + 12):
            step = max(t - rest, 0)
            step = min(step, 12 - step) if swing else step
            place = 20 + step * share * size
            rows = (ellipse(place, 50, size, size), 0, 0.9, 0), (stands, 1, 0.8, 0)
            scene.add(*rows)
        yield scene


def strangers() -> Iterator[Scene]:
    """One leaves, and soon after another of the class enters elsewhere."""
    for times, gap, far, also in product(
        (1, 2, 12), (0, 1, 3, 8), (1.5, 2.2, 3.0, 6.0), (False, True)
    ):
        if times == 1 and gap == 0:
            continue  # it may be one and the same, which is fast
        scene = Scene(f'seen {times} times, after {gap}, {far} sizes off, {also}')
        stands = ellipse(40, 130, 24, 48)
        beside = [(stands, 2, 0.8, 0)] * also
        for t in range(times):
            x = WIDTH - 6 * (times - t)
            scene.add((ellipse(x, 60, 30, 30), 0, 0.9, 0), *beside)
        for _ in range(gap):
            scene.add(*beside)
        for t in range(8):
            x = WIDTH - far * 30 - 3 * t
            scene.add((ellipse(x, 60, 30, 30), 1, 0.9, 0), *beside)
        yield scene


def pieces() -> Iterator[Scene]:
    """Several in one mask, then one alone; it goes as another is found beside it."""
    one = ellipse(150, 80, 24, 30)
    several = ellipse(165, 75, 54, 90) | ellipse(205, 75, 50, 110)
    stands = ellipse(320, 80, 30, 60)
    for times, left, far, also in product(
        (1, 3, 12), (1, 2, 3, 4, 6, 10), (1.3, 1.7, 2.2, 3.0), (False, True)
    ):
        scene = Scene(f'{times} frames in one, {left} alone, {far} sizes off, {also}')
        other = ellipse(150 + far * 27, 80, 24, 30)
        beside = [(stands, 2, 0.8, 0)] * also
        if times < 12:
            for _ in range(6):
                scene.add((ellipse(165, 75, 54, 90), -1, 0.9, 0), *beside)
        for _ in range(times):
            scene.add((several, -1, 0.9, 0), *beside)
        for _ in range(left):
            scene.add((one, 0, 0.9, 0), *beside)
        for _ in range(3):
            scene.add((other, 1, 0.9, 0), *beside)
        yield scene


def alarms() -> Iterator[Scene]:
    """Something is found for one frame, here and there: nothing that moves."""
    for seed, size, often in product(range(8), (14, 30), (0.3, 1, 2)):
        rng = np.random.default_rng(seed)
        scene = Scene(f'{size} px, {often} a frame, {seed}')
        for t in range(20):
            places = rng.uniform(size, [WIDTH - size, HEIGHT - size], (3, 2))
            number = rng.binomial(2, often / 2)
            scene.add(
                *(
                    (ellipse(*place, size, size), 10 * t + n, 0.6, 0)
                    for n, place in enumerate(places[:number])
                )
            )
        yield scene


FAMILIES: dict[str, Callable[[], Iterator[Scene]]] = {
    'posts': posts,
    'nested': nested,
    'turning': turning,
    'fast': fast,
    'quick': quick,
    'strangers': strangers,
    'pieces': pieces,
    'alarms': alarms,
}


def faults(scene: Scene, ids: Sequence[np.ndarray]) -> dict[str, int]:
    """What is wrong with ids (n,) of each frame, -1 for none.

    Returns:
        dict[str, int]: ``lost``: how often an object has not the id that it had;
        ``taken``: how often an id is not of the object that it was of.
    """
    of_object: dict[int, int] = {}
    of_id: dict[int, int] = {}
    lost = taken = 0
    for frame, given in zip(scene.frames, ids, strict=True):
        for owner, track in zip(frame.owners.tolist(), given.tolist(), strict=True):
            if owner < 0:
                continue
            lost += track < 0 or of_object.get(owner, track) != track
            of_object[owner] = track
            if track >= 0:
                taken += of_id.get(track, owner) != owner
                of_id[track] = owner
    return dict(lost=lost, taken=taken)


def judge(
    make: Callable[[], Tracker], families: Sequence[str] = (), every: int = 1
) -> dict[str, dict[str, int]]:
    """Scenes by family, how many are wrong, and the faults in them.

    Args:
        make (Callable): Makes a tracker for one video.
        families (Sequence[str]): Of FAMILIES; all by default.
        every (int): Only each so many scenes.
    """
    found = {}
    for family in families or FAMILIES:
        count = found[family] = dict(scenes=0, wrong=0, lost=0, taken=0)
        for scene in islice(FAMILIES[family](), 0, None, every):
            tracker = make()
            ids = [tracker(t, frame) for t, frame in enumerate(scene.frames)]
            wrong = faults(scene, ids)
            count['scenes'] += 1
            count['wrong'] += any(wrong.values())
            for name, number in wrong.items():
                count[name] += number
    return found
