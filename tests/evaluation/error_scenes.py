"""Scenes of two moving squares and tracks whose error is known by construction."""

import numpy as np
from random_cases import HEIGHT, WIDTH, to_annotation, to_ground_truth, to_result

LENGTH = 10
CATEGORIES = [5, 2]
Frames = list


def square(top: int, left: int, width: int = 3) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top : top + 3, left : left + width] = True
    return mask


def moving(top: int, down: int = 0, right: int = 0, width: int = 3) -> Frames:
    """A square that goes from left to right in ten frames."""
    return [square(top + down, t // 2 + right, width) for t in range(LENGTH)]


UPPER, LOWER = moving(0), moving(5)


def only(frames: Frames, start: int, stop: int) -> Frames:
    return [mask if start <= t < stop else None for t, mask in enumerate(frames)]


def then(first: Frames, second: Frames, cut: int) -> Frames:
    return [*first[:cut], *second[cut:]]


def together(*tracks: Frames) -> Frames:
    return [np.any(masks, axis=0) for masks in zip(*tracks, strict=True)]


class Scene:
    """Objects and tracks of one or more videos, each (category, frames).

    Scores fall from track to track, so that no two are equal.
    """

    def __init__(self) -> None:
        self.annotations: list[dict] = []
        self.results: list[dict] = []
        self.lengths: dict[int, int] = {}
        self.attributes: dict[int, list[str]] = {}

    def add(self, objects, tracks, attributes=()) -> 'Scene':
        video_id = len(self.lengths) + 1
        self.lengths[video_id] = LENGTH
        self.attributes[video_id] = list(attributes)
        for category_id, frames in objects:
            number = len(self.annotations) + 1
            self.annotations.append(
                to_annotation(number, video_id, category_id, frames)
            )
        for category_id, frames in tracks:
            score = 0.9 - 0.01 * len(self.results)
            self.results.append(to_result(video_id, category_id, score, frames))
        return self

    @property
    def truth(self) -> dict:
        truth = to_ground_truth(self.lengths, self.annotations, CATEGORIES)
        for video in truth['videos']:
            video['attributes'] = self.attributes[video['id']]
        return truth


A, B = CATEGORIES
BOTH_SQUARES = [(A, UPPER), (A, LOWER)]
# name: (objects, tracks, kind of each false positive, kind of each false negative)
SCENES = {
    'right': (BOTH_SQUARES, BOTH_SQUARES, [], []),
    'wrong label': (
        [(A, UPPER), (B, LOWER)],
        # The masks of neither are perfect: a label alone does not mend them.
        [(B, only(UPPER, 0, 7)), (B, only(UPPER, 0, 8)), (B, LOWER)],
        ['classification'] * 2,
        ['classification'],
    ),
    'second label': (
        [(A, UPPER), (B, LOWER)],
        [(B, UPPER), (A, UPPER), (B, LOWER)],
        ['classification'],
        [],
    ),
    'shifted masks': (
        BOTH_SQUARES,
        [(A, moving(0, down=1, right=1)), (A, LOWER)],
        ['spatial'],
        ['spatial'],
    ),
    'shifted masks in too few frames': (
        [(A, UPPER)],
        [(A, only(moving(0, down=1, right=1), 0, 4))],
        ['spatial and temporal'],
        ['spatial and temporal'],
    ),
    'over to another object, shifted': (
        BOTH_SQUARES,
        [(A, then(moving(0, down=1, right=1), moving(5, down=1, right=1), 5))],
        ['spatial and temporal'],
        ['spatial and temporal'] * 2,
    ),
    'over to another object, whose masks are better': (
        BOTH_SQUARES,
        [(A, then(moving(0, down=1, right=1), LOWER, 6))],
        ['id switch'],
        ['id switch', 'missed'],
    ),
    'two halves': (
        [(A, UPPER)],
        [(A, only(UPPER, 0, 5)), (A, only(UPPER, 5, 10))],
        ['split'],
        [],
    ),
    'three parts': (
        [(A, UPPER)],
        [(A, only(UPPER, 0, 3)), (A, only(UPPER, 3, 6)), (A, only(UPPER, 6, 10))],
        ['split'] * 3,
        ['split'],
    ),
    'a right part and a short one': (
        [(A, UPPER)],
        [(A, only(UPPER, 6, 10)), (A, only(UPPER, 0, 6))],
        ['split'],
        [],
    ),
    'over to another object': (
        BOTH_SQUARES,
        [(A, then(UPPER, LOWER, 5))],
        ['id switch'],
        ['id switch'] * 2,
    ),
    'tracks that swap': (
        BOTH_SQUARES,
        [(A, then(UPPER, LOWER, 5)), (A, then(LOWER, UPPER, 5))],
        ['id switch'] * 2,
        ['id switch'] * 2,
    ),
    'over to an object of another category': (
        [(A, UPPER), (B, LOWER)],
        [(A, then(UPPER, LOWER, 5)), (B, LOWER)],
        ['id switch'],
        ['id switch'],
    ),
    'a right track that goes over': (
        BOTH_SQUARES,
        [(A, then(UPPER, LOWER, 7))],
        [],
        ['id switch'],
    ),
    'on with a new object': (
        [(A, only(UPPER, 0, 3)), (A, only(LOWER, 3, 6)), (A, only(UPPER, 6, 10))],
        [(A, then(then(UPPER, LOWER, 3), UPPER, 6))],
        ['merge'],
        ['merge'] * 3,
    ),
    'on with a new object, the old one hardly there': (
        [(A, only(UPPER, 0, 6)), (A, only(LOWER, 4, 10))],
        [(A, then(UPPER, LOWER, 5))],
        ['merge'],
        ['merge'] * 2,
    ),
    'a right track that goes on with a new object': (
        [(A, only(UPPER, 0, 6)), (A, only(LOWER, 6, 10))],
        [(A, then(UPPER, LOWER, 6))],
        [],
        ['merge'],
    ),
    'two objects at once': (
        BOTH_SQUARES,
        [(A, together(UPPER, LOWER, moving(3, width=1)))],
        ['merge'],
        ['merge'] * 2,
    ),
    'too short': ([(A, UPPER)], [(A, only(UPPER, 0, 4))], ['extent'], ['extent']),
    'good in one frame': (
        [(A, UPPER)],
        [(A, only(moving(0, right=1), 4, 5))],
        ['extent'],
        ['extent'],
    ),
    'too long': (
        [(A, only([square(0, 2)] * LENGTH, 0, 4))],
        [(A, [square(0, 2)] * LENGTH)],
        ['extent'],
        ['extent'],
    ),
    'twice': ([(A, UPPER)], [(A, UPPER), (A, UPPER)], ['duplicate'], []),
    'twice for some frames': (
        [(A, UPPER)],
        [(A, only(UPPER, 0, 4)), (A, UPPER)],
        ['duplicate'],
        [],
    ),
    'wrong label and shifted': (
        [(A, UPPER), (B, LOWER)],
        [(B, moving(0, down=1, right=1)), (B, LOWER)],
        ['both'],
        ['missed'],
    ),
    'nothing there': (
        [(A, UPPER)],
        [(A, LOWER), (A, UPPER)],
        ['background'],
        [],
    ),
    'not found': (BOTH_SQUARES, [(A, UPPER)], [], ['missed']),
    # On the edges of what the documentation calls a half and a fifth.
    'a right track that goes over for a fifth': (
        BOTH_SQUARES,
        [(A, then(UPPER, LOWER, 8))],
        [],
        ['id switch'],
    ),
    'a right track that goes over to a found object': (
        BOTH_SQUARES,
        [(A, then(UPPER, LOWER, 7)), (A, LOWER)],
        [],
        [],
    ),
    'on with a new object, the old one half there': (
        [(A, only(UPPER, 0, 8)), (A, only(LOWER, 3, 10))],
        [(A, then(UPPER, LOWER, 5))],
        ['id switch'],
        ['id switch'] * 2,
    ),
    'a third of the other frames': (
        [(A, UPPER)],
        [(A, only(UPPER, 0, 4)), (A, only(UPPER, 4, 6))],
        ['extent', 'split'],
        ['extent'],
    ),
    'other frames badly': (
        [(A, UPPER)],
        [(A, only(UPPER, 0, 4)), (A, only(moving(0, width=1), 4, 10))],
        ['extent', 'spatial'],
        ['extent'],
    ),
    'on the object in a tenth': (
        [(A, UPPER)],
        [(A, then(UPPER, LOWER, 1))],
        ['background'],
        ['missed'],
    ),
    'a third of another object at once': (
        BOTH_SQUARES,
        [(A, together(UPPER, moving(5, width=1)))],
        [],
        ['missed'],
    ),
    'no results': (BOTH_SQUARES, [], [], ['missed'] * 2),
}
