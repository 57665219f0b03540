"""Tensors of a few Python numbers, made where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


def constant(like: Tensor, values: Sequence[float]) -> Tensor:
    """A tensor (n,) of numbers, with the dtype and on the device of another one.

    ``new_tensor`` makes it on the host and copies it: on a GPU the host waits for that,
    and a CUDA graph cannot be captured over it. Here the device fills it itself.
    """
    return torch.stack([like.new_full((), value) for value in values])


def kept_constant(like: Tensor, values: Sequence[float]) -> Tensor:
    """:func:`constant` of numbers that stay for a video; not to be written to.

    It is copied to a device once, and then kept: not for what a CUDA graph holds.
    """
    return _kept(tuple(values), like.dtype, like.device)


@lru_cache(maxsize=64)
def _kept(
    values: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    # One made in inference mode could not be used in training later on.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype).to(device)
