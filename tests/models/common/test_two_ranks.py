"""Every model trains on two ranks, one of which gets a clip without an object."""

import pytest
import torch
import torch.distributed as dist
from mmengine.registry import init_default_scope
from model_factory import CONFIGS, tiny_config, training_clip
from processes import run_ranks

from mmvis.registry import MODELS

ALL = sorted(path.stem for path in CONFIGS.glob('tiny/*_synthvis.py'))


def train_one_step(rank: int, name: str) -> None:
    init_default_scope('mmvis')
    torch.manual_seed(0)
    net = MODELS.build(tiny_config(f'tiny/{name}.py').model)
    net.init_weights()
    net.train()
    wrapped = torch.nn.parallel.DistributedDataParallel(
        net, find_unused_parameters=False
    )
    for _ in range(2):
        inputs, samples = training_clip(*((2, 3, 3) if rank else (0, 0, 0)))
        losses = wrapped(inputs, samples, mode='loss')
        net.parse_losses(losses)[0].backward()
    checksum = sum(p.grad.double().abs().sum() for p in net.parameters())
    gathered = [torch.zeros_like(checksum) for _ in range(2)]
    dist.all_gather(gathered, checksum)
    assert gathered[0] == gathered[1] > 0


@pytest.mark.full
@pytest.mark.parametrize('name', ALL)
def test_one_rank_with_an_empty_clip(tmp_path, name):
    run_ranks(train_one_step, name, folder=tmp_path)
