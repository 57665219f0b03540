"""Tensors of a few numbers, made where they are needed, or made once and kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

Made = TypeVar('Made')


def constant(like: Tensor, values: Sequence[float]) -> Tensor:
    """A tensor (n,) of numbers, with the dtype and on the device of another one.

    ``new_tensor`` makes it on the host and copies it: on a GPU the host waits for that,
    and a CUDA graph cannot be captured over it. Here the device fills it itself.
    """
    return torch.stack([like.new_full((), value) for value in values])


def kept(most: int) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """Keep the last ``most`` results of a function of hashable arguments.

    They are tensors that stay for a video, on a device that is among the arguments;
    nobody may write to them. Nothing is kept, and nothing that was kept is used, where
    operations are recorded and not run: a graph, an export or a fake tensor would have
    tensors of its own in the place of numbers for ever.
    """

    def decorate(make: Callable[..., Made]) -> Callable[..., Made]:
        @lru_cache(maxsize=most)
        def once(*args: Any) -> Made:
            # One made in inference mode could not be used in training later on.
            with torch.inference_mode(False):
                made = make(*args)
            for device in filter(_is_cuda, args):
                # Whoever asks next may be of another stream.
                torch.cuda.current_stream(device).synchronize()
            return made

        @wraps(make)
        def get(*args: Any) -> Made:
            return (make if _records(args) else once)(*args)

        return get

    return decorate


def _is_cuda(arg: Any) -> bool:
    return isinstance(arg, torch.device) and arg.type == 'cuda'


def _records(args: tuple) -> bool:
    """Whether operations are recorded or only pretended."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    if any(map(_is_cuda, args)) and torch.cuda.is_current_stream_capturing():
        return True
    # Without this module nothing can be fake, and to import it takes a while.
    fakes = sys.modules.get('torch._subclasses.fake_tensor')
    return fakes is not None and any(
        isinstance(mode, fakes.FakeTensorMode)
        for mode in _get_current_dispatch_mode_stack()
    )


def kept_constant(like: Tensor, values: Sequence[float]) -> Tensor:
    """:func:`constant` of numbers that stay for a video; not to be written to.

    It is copied to a device once, and then kept.
    """
    return _constant(tuple(values), like.dtype, like.device)


@kept(64)
def _constant(
    values: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    return torch.tensor(values, dtype=dtype).to(device)
