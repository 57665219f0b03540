"""What is drawn at random for a training sample depends on its place in training alone.

Workers that draw from one stream each give another clip when their number changes, when
a training is resumed, or when ranks share it differently. So a sampler hands out, with
each index, the numbers that the sample's draws start from.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class DrawnIndex(tuple):
    """(video, frame), equal to the plain tuple, with where its draws start from.

    Args:
        index (tuple[int, int]): Video and frame.
        words (tuple[int, ...]): Seed, epoch and place in the epoch's order over all
            ranks: no two samples of a training have the same.
    """

    words: tuple[int, ...]

    def __new__(cls, index: tuple[int, int], words: tuple[int, ...]) -> DrawnIndex:
        drawn = super().__new__(cls, index)
        drawn.words = words
        return drawn

    def __reduce__(self) -> tuple:
        return DrawnIndex, (tuple(self), self.words)


@contextmanager
def drawing(index: Any) -> Iterator[None]:
    """Draw for this index from its own numbers, and leave the process's as they were.

    Python's, numpy's and torch's generator (on the CPU); other indices change nothing.
    """
    if not isinstance(index, DrawnIndex):
        yield
        return
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    start = np.random.SeedSequence(index.words).generate_state(4)
    random.seed(int(start[0]))
    np.random.seed(start[1:3])
    # torch.manual_seed would seed GPUs too.
    torch.default_generator.manual_seed(int(start[3]))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


class DrawsByIndex:
    """A dataset, to be named before mmengine's, whose samples draw so."""

    def __getitem__(self, idx: Any) -> Any:
        with drawing(idx):
            return super().__getitem__(idx)  # type: ignore[misc]
