"""Which sizes are recorded, and that results are the caller's own."""

import threading
from typing import NamedTuple

import pytest
import torch

from mmvis.apis.graphed_network import GraphedNetwork
from mmvis.structures.nested_tensors import map_tensors


class Outputs(NamedTuple):
    total: torch.Tensor
    levels: tuple


def network(frames):
    return Outputs(
        frames.sum((1, 2, 3)), (frames * 2, frames.flatten(1).argmax(1, keepdim=True))
    )


class Recorder:
    """Stands in for CUDA graphs: input and results keep one place in memory."""

    def __init__(self):
        self.sizes = []

    def __call__(self, extract, frames):
        self.sizes.append(tuple(frames.shape))
        place = frames.clone()
        results = extract(place)

        def replay(frames):
            assert frames.shape == place.shape
            place.copy_(frames)
            new = iter(tensors(extract(place)))
            map_tensors(lambda old: old.copy_(next(new)), results)
            return results

        return replay


def tensors(nested):
    found = []
    map_tensors(found.append, nested)
    return found


@pytest.fixture
def said():
    return []


@pytest.fixture
def graphed(said):
    return GraphedNetwork(network, said.append, Recorder(), kept=2)


def assert_equal(results, frames):
    assert isinstance(results, Outputs)
    for one, other in zip(tensors(results), tensors(network(frames)), strict=True):
        assert torch.equal(one, other)


def test_results_are_the_networks_and_outlive_the_next_replay(graphed):
    chunks = [torch.randn(2, 3, 4, 5) for _ in range(5)]
    kept = [graphed(chunk) for chunk in chunks]
    for results, chunk in zip(kept, chunks, strict=True):
        assert_equal(results, chunk)
    assert graphed.capture.sizes == [(2, 3, 4, 5)]


def test_what_comes_once_is_not_recorded_and_few_graphs_are_kept(graphed):
    sizes = [(8, 1, 2, 2), (3, 1, 2, 2), (8, 1, 2, 2), (3, 1, 2, 2), (5, 1, 2, 2)]
    for size in sizes:
        graphed(torch.randn(size))
    assert graphed.capture.sizes == [sizes[0], sizes[1]]
    # The oldest went; it has to be seen twice again.
    for size in (sizes[0], sizes[0]):
        graphed(torch.randn(size))
    assert graphed.capture.sizes == [sizes[0], sizes[1], sizes[0]]
    assert_equal(graphed(half := torch.randn(sizes[0]).half()), half)
    assert len(graphed.capture.sizes) == 3, 'another dtype is another graph'


def test_a_network_that_cannot_be_recorded_goes_on_and_says_why(said):
    calls = []

    def capture(extract, frames):
        calls.append(1)
        raise RuntimeError('operation not permitted when stream is capturing\nmore')

    graphed = GraphedNetwork(network, said.append, capture)
    for _ in range(4):
        assert_equal(graphed(frames := torch.randn(1, 2, 3, 3)), frames)
    assert len(calls) == 1
    assert said == [
        'The network runs without CUDA graphs: operation not permitted when stream is '
        'capturing'
    ]


def test_threads_get_their_own_results(graphed):
    wrong = []

    def session(seed):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(200):
            frames = torch.randn(1, 1, 8, 8, generator=generator)
            results, expected = tensors(graphed(frames)), tensors(network(frames))
            wrong.extend(
                seed
                for one, other in zip(results, expected, strict=True)
                if not torch.equal(one, other)
            )

    threads = [
        threading.Thread(target=session, args=(seed,), daemon=True) for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
