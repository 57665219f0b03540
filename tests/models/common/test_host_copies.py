"""Tensors of a device that come to the host together."""

import io

import pretended_device
import torch
from pretended_device import DEVICE

from mmvis.models.common.host_copies import copy_to_host

FIELDS = dict(
    flags=torch.tensor([True, False, True]),
    halves=torch.tensor([[1.5, -2.0], [torch.inf, 0.1]], dtype=torch.float16),
    ids=torch.tensor([2**60 + 1, -5]),
    turned=torch.arange(6.0).reshape(2, 3).T,
    column=torch.arange(6.0).reshape(2, 3)[:, 1],
    column_of_one=torch.arange(6.0).reshape(2, 3)[1:, 2],
    column_of_none=torch.arange(6.0).reshape(2, 3)[:0, 2],
    nothing=torch.zeros(0, 4),
    number=torch.tensor(0.1, dtype=torch.float64),
    bytes=torch.tensor([200], dtype=torch.uint8),
    here=torch.arange(3),
)


def test_equal_to_the_last_bit_whatever_the_dtypes(monkeypatch):
    copies = []

    def watch(func, args, kwargs):
        copies.append(func is torch.ops.aten._to_copy.default)

    with pretended_device.pretended_device(monkeypatch):
        away = {k: v if k == 'here' else v.to(DEVICE) for k, v in FIELDS.items()}
        monkeypatch.setattr(pretended_device, 'WATCHERS', [watch])
        host = copy_to_host(away)
    assert sum(copies) == 1
    assert list(host) == list(FIELDS)
    for name, value in FIELDS.items():
        assert host[name].device.type == 'cpu'
        assert host[name].dtype == value.dtype
        assert torch.equal(host[name], value), name
    # Tensors that share memory, but not their dtype, could not be saved.
    torch.save(host, io.BytesIO())
