"""Frames of a chunk, as far as memory suffices for them."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult

from .errors import OutOfMemoryError


def steps_within_memory(
    session: Any, images: Sequence[np.ndarray]
) -> Iterator[FrameResult | str]:
    """The results of the next frames; of those that are too much, what is said of them.

    Where memory does not suffice for all of them at once, they go through one by one,
    and a frame that is too much alone is left out: time goes on for the tracks.

    Args:
        session: One that ``restores`` what it was before such an error; else it is
            raised.
        images (Sequence[np.ndarray]): (h, w, 3) uint8 BGR.
    """
    try:
        yield from session.steps(images)
        return
    except OutOfMemoryError:
        if not getattr(session, 'restores', False):
            raise
    _give_back()
    for image in images:
        try:
            result: FrameResult | str = session.step(image)
        except OutOfMemoryError as error:
            result = str(error)
            session.skip()
            _give_back()
        yield result


def _give_back() -> None:
    """To a GPU, what is kept of it for later."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
