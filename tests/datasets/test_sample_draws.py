"""A sample's random draws depend on its place in training, and on nothing else."""

import itertools
import pickle
import random

import numpy as np
import pytest
import torch
from data_factory import make_vis_dataset
from mmengine.dataset import worker_init_fn
from torch.utils.data import DataLoader

from mmvis.datasets import InfiniteKeyFrameSampler, VISConcatDataset
from mmvis.datasets.sample_draws import DrawnIndex
from mmvis.registry import DATASETS


class DrawOfEach:
    """Stands for transforms that draw from any of the three."""

    def __call__(self, results: dict) -> dict:
        drawn = [random.random(), np.random.rand(), torch.rand(1).item()]
        return dict(drawn=[results['video_id'], *drawn])


def keep(batch: list) -> list:
    return [sample['drawn'] for sample in batch]


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp('draws')
    cfg = make_vis_dataset(root, lengths=(3, 4, 2), size=(24, 32)).dataset_cfg()
    return DATASETS.build(cfg | dict(pipeline=[DrawOfEach()]))


def seed_worker(number: int) -> None:
    worker_init_fn(number, num_workers=3, rank=0, seed=1)


def drawn(dataset, workers: int, batch: int = 2, count: int = 24) -> list:
    loader = DataLoader(
        dataset,
        batch_size=batch,
        sampler=InfiniteKeyFrameSampler(dataset, seed=3),
        num_workers=workers,
        collate_fn=keep,
        worker_init_fn=seed_worker,
    )
    batches = itertools.islice(loader, count // batch)
    return list(itertools.chain.from_iterable(batches))


def test_workers_and_batches_may_be_any(dataset):
    expected = drawn(dataset, 0)
    assert len({tuple(draws) for draws in expected}) == 24
    assert drawn(dataset, 3) == drawn(dataset, 1, batch=4) == expected
    concat = VISConcatDataset([dataset, dataset])
    assert drawn(concat, 0) == drawn(concat, 2)


def test_the_generators_of_the_process_are_left_alone(dataset):
    def follow() -> list:
        return [random.random(), np.random.rand(), torch.rand(1).item()]

    def seed() -> None:
        random.seed(0), np.random.seed(0), torch.manual_seed(0)

    seed()
    expected = follow()
    seed()
    drawn(dataset, 0, count=2)
    # DataLoader draws one number of torch's for its workers.
    assert follow()[:2] == expected[:2]
    # A plain index draws from them, as in any data set.
    seed()
    assert dataset[(0, 0)]['drawn'][1:] == expected


def test_an_index_is_a_plain_one_with_its_numbers():
    index = pickle.loads(pickle.dumps(DrawnIndex((4, 2), (0, 1, 2))))
    assert index == (4, 2) and index.words == (0, 1, 2)
