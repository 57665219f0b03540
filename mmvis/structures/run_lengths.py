"""Checking many compressed masks at once.

pycocotools trusts what it is given: a damaged string makes it read beyond its end, runs
that do not fill the frame give a shifted mask. Annotation files come from anywhere, so
their masks are checked first: here a whole track with a few array operations, which is
several times as fast as mask by mask (``segmentation.to_rle``) and decides how fast a
file opens.
"""

from collections.abc import Sequence

import numpy as np


def string_run_sums(counts: Sequence[bytes]) -> np.ndarray:
    """Number of pixels that compressed run lengths cover.

    Args:
        counts: n strings in COCO's compression: numbers of 5-bit groups, lowest first,
            32 marks that a group follows, 16 in the last one that the number is
            negative, 48 added; the fourth and later runs are stored as the difference
            from the run two before.

    Returns:
        ndarray: (n,) int64; -1 for a string that is damaged.
    """
    lengths = np.array([len(string) for string in counts], dtype=np.int64)
    groups = np.frombuffer(b''.join(counts), dtype=np.uint8).astype(np.int64) - 48
    if groups.size == 0:
        return np.zeros(len(counts), dtype=np.int64)
    follows = (groups & 32) > 0
    string_ends = np.cumsum(lengths) - 1
    number_ends = ~follows
    number_starts = np.concatenate([[True], number_ends[:-1]])
    start_places = np.flatnonzero(number_starts)
    number_of_group = np.cumsum(number_starts) - 1
    place = np.arange(groups.size) - start_places[number_of_group]
    damaged = (groups < 0) | (groups > 63) | (place > 6)
    damaged[string_ends[lengths > 0]] |= follows[string_ends[lengths > 0]]
    if damaged.any():
        if len(counts) == 1:
            return np.array([-1])
        return np.concatenate([string_run_sums([string]) for string in counts])

    numbers = np.add.reduceat((groups & 31) << (5 * place), start_places)
    last = np.flatnonzero(number_ends)
    numbers -= ((groups[last] & 16) > 0).astype(np.int64) << (5 * (place[last] + 1))
    runs_per_string = _segment_sums(number_ends.astype(np.int64), lengths)
    runs = _undo_differences(numbers, runs_per_string)
    sums = _segment_sums(runs, runs_per_string)
    sums[_segment_sums((runs < 0).astype(np.int64), runs_per_string) > 0] = -1
    return sums


def _segment_sums(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Sums of consecutive segments, of which any may be empty."""
    running = np.concatenate([[0], np.cumsum(values)])
    ends = np.cumsum(lengths)
    return running[ends] - running[ends - lengths]


def _undo_differences(numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Run lengths from their stored form, for segments of ``lengths`` numbers."""
    starts = np.cumsum(lengths) - lengths
    index = np.arange(numbers.size) - np.repeat(starts, lengths)
    runs = numbers.copy()
    # Runs 1, 3, 5, ... are one chain of differences, 2, 4, 6, ... another; run 0 stands
    # alone. A running sum over all segments, less its value before each segment.
    for chain, per_segment in (
        (index % 2 == 1, lengths // 2),
        ((index % 2 == 0) & (index > 0), np.maximum(lengths - 1, 0) // 2),
    ):
        running = np.cumsum(numbers[chain])
        ends = np.cumsum(per_segment)
        before = np.concatenate([[0], running])[ends - per_segment]
        runs[chain] = running - np.repeat(before, per_segment)
    return runs
