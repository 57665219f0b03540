"""Counts what makes a network wait for the host, as it runs on any device."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import mmcv._ext
import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Reads of the host, and results whose size only the device knows.
READS = {'_local_scalar_dense', 'nonzero', 'masked_select', '_unique2', 'bincount'}
# What no kernel is launched for.
NO_KERNELS = {
    'alias',
    'as_strided',
    'detach',
    'empty',
    'empty_like',
    'expand',
    'lift_fresh',
    'new_empty',
    'permute',
    'promote_types',
    'select',
    'slice',
    'split',
    'split_with_sizes',
    'squeeze',
    't',
    'transpose',
    'unbind',
    'unsqueeze',
    'view',
    '_unsafe_view',
}


class HostWork(TorchDispatchMode):
    """Operators of what runs inside of it.

    Args:
        uploads_wait (bool): Whether tensors that come from the host are counted, too: a
            CUDA graph cannot hold them, but no host waits for them.

    Attributes:
        launches (Counter): Operators that start work on a device, by name.
        waits (Counter): ``(operator, place)`` of those that a CUDA graph cannot hold:
            tensors made of Python numbers on the host, reads of the device, look-ups by
            a bool mask, copies to another device.
    """

    def __init__(self, uploads_wait: bool = True) -> None:
        super().__init__()
        self.uploads_wait = uploads_wait
        self.launches, self.waits = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Count, and do it."""
        self.see(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))

    def see(self, func, args, kwargs) -> None:
        """Count an operator."""
        name = func._schema.name.removeprefix('aten::')
        # mmcv gives its operators empty tensors for what they do not return.
        nothing = name == 'new_zeros' and 0 in args[1]
        if name not in NO_KERNELS and not nothing:
            self.launches[name] += 1
        moved = name == '_to_copy' and kwargs.get('device', args[0].device)
        between = name == 'copy_' and args[0].device.type != args[1].device.type
        if not self.uploads_wait and (moved or between):
            source = args[1] if between else args[0]
            if source.device.type == 'cpu':
                between = moved = False
        if (
            name in READS
            or name == 'lift_fresh'
            or between
            or (name == 'index' and any(_is_bool(index) for index in args[1]))
            or (moved and torch.device(moved).type != args[0].device.type)
        ):
            self.waits[name, _place()] += 1

    def count_mmcv(self, monkeypatch: Any) -> None:
        """Count mmcv's operators, which have none of their own that a mode would see.

        NMS waits for how many boxes stay.
        """
        for name in ('nms', 'roi_align_forward'):
            monkeypatch.setattr(mmcv._ext, name, self._counted(name))

    def _counted(self, name: str) -> Callable:
        operator = getattr(mmcv._ext, name)

        def counted(*args, **kwargs):
            self.launches[name] += 1
            if name == 'nms':
                self.waits[name, _place()] += 1
            return operator(*args, **kwargs)

        return counted


def _is_bool(index: torch.Tensor | None) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


def _place() -> str:
    """Where in the package, or in those that it builds on."""
    frames = [
        frame
        for frame in traceback.extract_stack()
        if any(f'/{name}/' in frame.filename for name in ('mmvis', 'mmdet', 'mmcv'))
        and '/tests/' not in frame.filename
    ]
    return f'{frames[-1].filename}:{frames[-1].lineno}' if frames else 'the test'
