"""Small tensors of a GPU brought to the host together: a copy waits, however small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

Name = TypeVar('Name')


def copy_to_host(fields: Mapping[Name, Tensor]) -> dict[Name, Tensor]:
    """The same tensors, of any shapes and dtypes, on the CPU, by one copy.

    Args:
        fields (Mapping): By whatever name.
    """
    away = {k: v for k, v in fields.items() if v.device.type != 'cpu'}
    if len(away) < 2:
        return {name: value.cpu() for name, value in fields.items()}
    # Their bytes side by side: no kernel is launched for another dtype. Large numbers
    # come first, so that all of them lie where their dtype allows.
    order = sorted(away, key=lambda name: -away[name].element_size())
    rows = [_as_row(away[name]).view(torch.uint8) for name in order]
    copied = torch.cat(rows).cpu().split([len(row) for row in rows])
    # Memory of their own: tensors of several dtypes in one could not be pickled.
    host = {
        name: part.view(away[name].dtype).reshape(away[name].shape).clone()
        for name, part in zip(order, copied, strict=True)
    }
    return {name: host.get(name, value) for name, value in fields.items()}


def _as_row(value: Tensor) -> Tensor:
    # A column of one row counts as contiguous and keeps its stride, which is no row's.
    return value.contiguous().as_strided((value.numel(),), (1,))
