"""Small tensors of a GPU brought to the host together: a copy waits, however small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

Name = TypeVar('Name')

# Every number of these is one of double precision; integers are ids, labels and sizes.
AS_DOUBLE = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
AS_DOUBLE |= {torch.bool, torch.uint8, torch.int32, torch.int64}


def copy_to_host(fields: Mapping[Name, Tensor]) -> dict[Name, Tensor]:
    """The same tensors, of any shapes, on the CPU, by one copy.

    Args:
        fields (Mapping): By whatever name. Integers in them are below 2 ** 53.
    """
    away = {k: v for k, v in fields.items() if v.device.type != 'cpu'}
    together = {k: v for k, v in away.items() if v.dtype in AS_DOUBLE}
    host = {k: v.cpu() for k, v in fields.items() if k not in together}
    if together:
        flat = [value.reshape(-1) for value in together.values()]
        copied = torch.cat([part.double() for part in flat]).cpu()
        parts = copied.split([len(part) for part in flat])
        for (name, field), part in zip(together.items(), parts, strict=True):
            host[name] = part.to(field.dtype).reshape(field.shape)
    return {name: host[name] for name in fields}
