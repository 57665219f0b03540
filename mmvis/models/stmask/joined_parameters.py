"""Parameters of several layers as one tensor, made once for testing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class JoinedParameters:
    """Concatenations of parameters that are used again until one of them changes.

    In training they are made at each call. So they are while a CUDA graph is recorded,
    where that costs next to nothing: the graph then reads the parameters themselves.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], tuple[tuple, Tensor]] = {}

    def __call__(self, parameters: Sequence[Tensor]) -> Tensor:
        """Parameters (n_i, ...) one after the other: (sum of n_i, ...)."""
        first = parameters[0]
        if len(parameters) == 1:
            return first
        if (
            torch.is_grad_enabled()
            or any(p.is_inference() for p in parameters)
            or (first.is_cuda and torch.cuda.is_current_stream_capturing())
        ):
            return torch.cat(list(parameters))
        key = tuple(id(p) for p in parameters)
        state = tuple((p.data_ptr(), p._version, p.dtype, p.device) for p in parameters)
        made = self._made.get(key)
        if made is None or made[0] != state:
            with torch.inference_mode(False), torch.no_grad():
                made = self._made[key] = (state, torch.cat(list(parameters)))
        return made[1]

    def clear(self) -> None:
        """Forget them: of writing to ``parameter.data`` nothing is seen."""
        self._made.clear()

    def __reduce__(self) -> tuple:
        return JoinedParameters, ()
