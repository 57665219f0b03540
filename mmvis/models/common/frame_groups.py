"""Which frames of a chunk are dealt with together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

# Of masks that exist at once, at the size of the original frames: 80 of full HD.
PIXELS_AT_ONCE = 80 * 1920 * 1080
# What a frame's boxes and masks depend on, apart from what is in it.
SIZES = ('img_shape', 'ori_shape', 'scale_factor')

Frame = TypeVar('Frame')


def runs_of_one_size(metainfos: Sequence[dict]) -> Iterator[slice]:
    """Frames in a row whose sizes are equal, as many as there are.

    Args:
        metainfos (Sequence[dict]): Of consecutive frames.
    """
    start = 0
    for _, run in groupby(metainfos, _sizes):
        stop = start + len(list(run))
        yield slice(start, stop)
        start = stop


def groups_that_fit(
    frames: Iterable[Frame],
    pixels: Callable[[Frame], int],
    at_once: int | None = None,
) -> Iterator[list[Frame]]:
    """Frames in a row whose masks fit in memory together, or one of too many.

    One frame more than a group has is asked for before it is given.

    Args:
        frames (Iterable): In order.
        pixels (Callable): How many pixels the masks of a frame have.
        at_once (int | None): How many fit; None: ``PIXELS_AT_ONCE``.
    """
    limit = PIXELS_AT_ONCE if at_once is None else at_once
    group: list[Frame] = []
    total = 0
    for frame in frames:
        own = pixels(frame)
        if group and total + own > limit:
            yield group
            group, total = [], 0
        group.append(frame)
        total += own
    if group:
        yield group


def _sizes(metainfo: dict) -> list[tuple[float, ...]]:
    return [tuple(metainfo.get(name, ())) for name in SIZES]
