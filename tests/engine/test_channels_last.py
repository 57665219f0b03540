"""On a CPU maps are trained with the channels of a pixel side by side."""

import torch
from mmengine.runner import Runner
from torch import nn
from toy_runner import ToyModel, make_runner

from mmvis.engine.runner import VISRunner


class ConvolvedModel(ToyModel):
    """The toy with a convolution in front, of maps that it draws by itself."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        # Of another rank, for which there is no such order.
        self.of_video = nn.Conv3d(1, 1, 1)
        self.seen = []

    def forward(self, inputs, mode='tensor'):
        generator = torch.Generator().manual_seed(self.iteration)
        maps = self.conv(torch.randn(2, 3, 8, 8, generator=generator))
        self.seen.append(maps.is_contiguous(memory_format=torch.channels_last))
        return super().forward(maps.mean((2, 3)), mode)


def trained(folder, kind, **settings):
    torch.manual_seed(0)
    model = ConvolvedModel()
    runner = make_runner(folder, model, kind, log_level='ERROR', **settings)
    runner.train()
    return runner.model, torch.load(folder / 'epoch_2.pth', weights_only=False)


def test_only_the_order_in_memory_is_another(tmp_path):
    """The steps are those of mmengine's runner; checkpoints are as ever."""
    model, checkpoint = trained(tmp_path / 'ours', VISRunner)
    other, expected = trained(tmp_path / 'plain', Runner)
    assert all(model.seen) and not any(other.seen)
    for name, weight in checkpoint['state_dict'].items():
        assert weight.is_contiguous(), name
        torch.testing.assert_close(weight, expected['state_dict'][name])
        assert torch.equal(weight, model.state_dict()[name])


def test_averaged_weights_are_saved_as_ever_too(tmp_path):
    ema = dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.5)
    _, checkpoint = trained(tmp_path, VISRunner, custom_hooks=[ema])
    for key in ('state_dict', 'ema_state_dict'):
        weights = {
            n: w for n, w in checkpoint[key].items() if n.endswith('conv.weight')
        }
        assert len(weights) == 1
        assert all(weight.is_contiguous() for weight in weights.values()), key
