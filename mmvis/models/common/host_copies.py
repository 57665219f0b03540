"""Small tensors of a GPU brought to the host together: a copy waits, however small."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# Every number of these is one of double precision; integers are ids, labels and sizes.
AS_DOUBLE = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
AS_DOUBLE |= {torch.bool, torch.uint8, torch.int32, torch.int64}


def copy_to_host(fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors (n, ...) on the CPU, by one copy.

    Args:
        fields (Mapping[str, Tensor]): All of n rows. Integers are below 2 ** 53.
    """
    away = {k: v for k, v in fields.items() if v.device.type != 'cpu'}
    together = {k: v for k, v in away.items() if v.dtype in AS_DOUBLE}
    host = {k: v.cpu() for k, v in fields.items() if k not in together}
    if together:
        rows = [v.reshape(len(v), v.shape[1:].numel()) for v in together.values()]
        copied = torch.cat([row.double() for row in rows], dim=1).cpu()
        parts = copied.split([row.shape[1] for row in rows], dim=1)
        for (name, field), part in zip(together.items(), parts, strict=True):
            host[name] = part.to(field.dtype).reshape(field.shape)
    return {name: host[name] for name in fields}
