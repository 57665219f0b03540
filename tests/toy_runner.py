"""A runner on a model of one linear layer, for tests of hooks and checkpoints."""

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader


class ToyModel(BaseModel):
    """``losses`` maps an iteration (from 1) to the losses of that iteration."""

    def __init__(
        self, losses: dict | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.layer = nn.Linear(2, 1)
        self.losses = losses or {}
        self.iteration = 0

    def forward(self, inputs: Tensor, mode: str = 'tensor') -> dict | list:
        if mode != 'loss':
            return [dict(value=1.0)]
        self.iteration += 1
        loss = self.layer(inputs).square().mean()
        factors = self.losses.get(self.iteration, {})
        return {
            'loss_a': loss * factors.get('loss_a', 1.0),
            'loss_b': loss * factors.get('loss_b', 1.0),
            'acc': torch.tensor(factors.get('acc', 0.5)),
        }


class ToyMetric(BaseMetric):
    """Returns what real metrics return: numpy scalars."""

    def process(self, data_batch: dict, data_samples: list) -> None:
        self.results += data_samples

    def compute_metrics(self, results: list) -> dict:
        return {'value': np.float64(0.25), 'count': np.int64(len(results))}


def collate(batch: list[Tensor]) -> dict:
    return dict(inputs=torch.stack(batch))


def make_runner(
    work_dir: str, model: ToyModel | None = None, kind: type = Runner, **kwargs
) -> Runner:
    """Four iterations an epoch; keyword arguments replace the runner's."""
    data = DataLoader(list(torch.ones(4, 2)), batch_size=1, collate_fn=collate)
    settings = dict(
        model=model or ToyModel(),
        work_dir=str(work_dir),
        train_dataloader=data,
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
        default_scope='mmvis',
        log_level='ERROR',
        experiment_name=f'toy_{np.random.default_rng().integers(2**60)}',
    )
    settings.update(kwargs)
    return kind(**settings)
