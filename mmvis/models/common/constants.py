"""Tensors of a few Python numbers, made where they are needed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def constant(like: Tensor, values: Sequence[float]) -> Tensor:
    """A tensor (n,) of numbers, with the dtype and on the device of another one.

    ``new_tensor`` makes it on the host and copies it: on a GPU the host waits for that,
    and a CUDA graph cannot be captured over it. Here the device fills it itself.
    """
    return torch.stack([like.new_full((), value) for value in values])
