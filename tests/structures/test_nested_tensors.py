"""Every tensor is reached, and the tuples keep their kinds."""

from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from mmvis.structures import map_tensors


class Inner(NamedTuple):
    a: Tensor
    b: Tensor


class Outer(NamedTuple):
    inner: Inner
    pair: tuple[Tensor, Tensor]
    c: Tensor


def test_nested_tuples_keep_their_kinds():
    a, b, c, d, e = torch.arange(10).reshape(5, 2)
    result = map_tensors(itemgetter(1), Outer(Inner(a, b), (c, d), e))
    assert result == Outer(Inner(1, 3), (5, 7), 9)
    assert (type(result), type(result.inner), type(result.pair)) == (
        Outer,
        Inner,
        tuple,
    )


def test_tensors_lists_and_nothing():
    one = torch.ones(2)
    assert map_tensors(Tensor.sum, one) == 2
    assert map_tensors(Tensor.sum, [one, (one,)]) == (2, (2,))
    assert map_tensors(Tensor.sum, ()) == ()
