"""Tensors of a few Python numbers."""

import pytest
import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from mmvis.models.common.constants import constant, kept_constant
from mmvis.models.common.delta_decoding import decode_deltas
from mmvis.models.common.mask_pasting import paste_masks


def test_a_constant_that_is_kept_is_that_which_is_made():
    for dtype in (torch.float64, torch.float16, torch.long):
        like = torch.zeros(3, dtype=dtype)
        found = kept_constant(like, [7, 2])
        assert torch.equal(found, constant(like, (7, 2))) and found.dtype == dtype
        assert kept_constant(like[:1], (7, 2)) is found
        assert kept_constant(like, (2, 7)).tolist() == [2, 7]


def test_one_that_was_first_asked_for_in_inference_is_good_for_training():
    like = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        kept_constant(like, [3.5, 4.5])
    (like * kept_constant(like, [3.5, 4.5])).sum().backward()
    assert like.grad.tolist() == [3.5, 4.5]


class Boxes(nn.Module):
    def forward(self, priors, deltas):
        return decode_deltas(DeltaXYWHBBoxCoder(), priors, deltas, (97, 161))


class Masks(nn.Module):
    def forward(self, masks, boxes):
        return paste_masks(masks, boxes, (25, 41), (4, 4))


def pretend(module, given):
    with FakeTensorMode() as mode:
        return module(*map(mode.from_tensor, given))


def export(module, given):
    return torch.export.export(module, given, strict=False).module()(*given)


def trace(module, given):
    return torch.jit.trace(module, given)(*given)


@pytest.mark.parametrize('record', [pretend, export, trace])
@pytest.mark.parametrize('module', [Boxes(), Masks()])
def test_what_is_recorded_keeps_nothing_and_finds_nothing(module, record):
    """A cache that held its tensors would give them to whoever runs after it."""
    boxes = torch.tensor([[-50.0, 0, 300, 10]])
    first = boxes if isinstance(module, Boxes) else torch.ones(1, 28, 28)
    given = first, (torch.zeros(1, 4) if isinstance(module, Boxes) else boxes)
    seen = []
    for _ in range(2):  # before there is anything to find, and then
        recorded = record(module, given)
        seen.append(module(*given))
        if record is not pretend:
            assert torch.equal(recorded, seen[-1])
    assert torch.equal(*seen)
    if isinstance(module, Boxes):
        assert seen[0].tolist() == [[0, 0, 161, 10]]
    else:
        assert seen[0].sum() > 0
