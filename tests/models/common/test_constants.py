"""Tensors of a few Python numbers."""

import torch

from mmvis.models.common.constants import constant, kept_constant


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
