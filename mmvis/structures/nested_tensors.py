"""Tensors in tuples within tuples, all treated alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def map_tensors(function: Callable[[Tensor], Tensor], nested: Any) -> Any:
    """The same tuples with ``function(tensor)`` in the place of each tensor.

    Args:
        function (Callable): From a tensor to a tensor.
        nested (Tensor | tuple): A tensor, or a tuple or NamedTuple of such, at any
            depth. Lists become tuples.
    """
    if isinstance(nested, Tensor):
        return function(nested)
    make = getattr(type(nested), '_make', tuple)
    return make([map_tensors(function, part) for part in nested])
