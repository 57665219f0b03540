"""Ways take turns, the least time counts, and ways that differ are refused."""

import importlib

import pytest
import torch
from time_tables import TOOLS


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module('measuring.least_times')


def test_the_least_time_of_each_way_counts(tool, monkeypatch):
    # Seconds of a call; calls come as forward, both of the first way, of the second.
    durations = [5, 20, 9, 60, 4, 30, 6, 50]
    readings = iter([t for d in durations for t in (0, d)])
    monkeypatch.setattr(tool.time, 'perf_counter', lambda: next(readings))
    ways = {'square': torch.square, 'product': lambda x: x * x}
    inputs = [torch.arange(3.0, requires_grad=True)]
    one, other = tool.measure(ways, inputs, rounds=2)
    assert one == dict(
        way='square',
        forward_ms=4000,
        forward_ratio=1,
        both_ms=20000,
        both_ratio=1,
    )
    assert other == dict(
        way='product',
        forward_ms=6000,
        forward_ratio=1.5,
        both_ms=50000,
        both_ratio=2.5,
    )


@pytest.mark.parametrize(
    'wrong',
    [lambda x: x * x + 1, lambda x: x * x.detach(), lambda x: x * x * torch.nan],
    ids=['output', 'gradient', 'not a number'],
)
def test_ways_that_differ_are_refused(tool, wrong):
    inputs = [torch.arange(3.0, requires_grad=True)]
    with pytest.raises(ValueError, match="'wrong' gives another result than 'square'"):
        tool.measure({'square': torch.square, 'wrong': wrong}, inputs, rounds=1)
