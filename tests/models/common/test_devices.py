"""No model makes a tensor on another device than its own: found without a GPU.

On the pretended device each gives what it gives on the CPU, and a tensor that is left
behind is the error that it would be on a GPU.
"""

import copy

import numpy as np
import pytest
import torch
import video_models
from model_factory import (
    COUNTS,
    FRAMES,
    assert_same,
    clip_sample,
    moving_frames,
    training_clip,
    whole_video,
)
from pretended_device import DEVICE, Elsewhere, move, pretended_device
from torch import nn

NAMES = [
    'masktrack_rcnn',
    'stmask',
    'sg_net',
    'tfan',
    'instance_flow',
    'track_by_segmentation',
]


@pytest.fixture
def away(monkeypatch):
    with pretended_device(monkeypatch):
        yield


def loss_of(net, inputs, samples) -> dict[str, float]:
    """Every loss as a number; what is drawn on the way is the same each time."""
    torch.manual_seed(0)
    np.random.seed(0)
    net.train()
    total, losses = net.parse_losses(net.loss(inputs, samples))
    total.backward()
    return {name: value.item() for name, value in losses.items()}


@pytest.mark.parametrize('name', NAMES)
def test_training(name, monkeypatch):
    net = copy.deepcopy(getattr(video_models, name)())
    expected = loss_of(copy.deepcopy(net), *training_clip(*COUNTS['common']))
    with pretended_device(monkeypatch):
        move(net)
        inputs, samples = training_clip(*COUNTS['common'])
        samples = [sample.to(DEVICE) for sample in samples]
        found = loss_of(net, inputs.to(DEVICE), samples)
        assert found == pytest.approx(expected, rel=1e-5)
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        assert gradients and all(isinstance(g, Elsewhere) for g in gradients)


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('at_once', [False, True])
def test_prediction_and_tracking(name, monkeypatch, at_once):
    """Frames that come one by one, and chunks of one frame and of several in turns."""
    expected = whole_video(getattr(video_models, name)())
    net = copy.deepcopy(getattr(video_models, name)())
    sizes = (1, 3, 1, 1) if at_once else (4, 2)
    if at_once:
        net.frames_at_once = len
    assert sum(map(len, expected)) > 0
    frames, found = moving_frames(FRAMES), []
    with pretended_device(monkeypatch), torch.no_grad():
        move(net)
        for first, size in zip(np.cumsum((0, *sizes)).tolist(), sizes, strict=False):
            sample = clip_sample(size, 1, first, FRAMES)
            net.predict(frames[None, first : first + size].to(DEVICE), [sample])
            found += [frame.pred_track_instances for frame in sample]
    # Results are on the host.
    assert not any(isinstance(result.scores, Elsewhere) for result in found)
    assert_same(found, expected)


class Careless(nn.Module):
    """Makes a tensor and does not say where."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(x)
        if self.how == 'made':
            return x + torch.arange(3)
        if self.how == 'joined':
            return torch.cat([x, torch.zeros(1, 3)])
        if self.how == 'tensor':
            return x * torch.tensor([1.0, 2.0, 3.0])
        if self.how == 'assigned':
            x = x.clone()
            x[[0, 1], [1, 1]] = torch.ones(2)
            return x
        return torch.from_numpy(x.detach().numpy())


@pytest.mark.parametrize('how', ['made', 'joined', 'tensor', 'assigned', 'numpy'])
def test_what_a_gpu_would_refuse_is_refused(away, how):
    net = Careless(how)
    net(torch.randn(2, 3))  # the CPU does not mind
    with pytest.raises((RuntimeError, TypeError), match=r'same device|to numpy'):
        move(net)(torch.randn(2, 3).to(DEVICE))


def test_what_a_gpu_takes_is_taken(away):
    x = torch.arange(6.0).view(2, 3).to(DEVICE)
    assert (x + torch.tensor(1.0)).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert x[torch.tensor([1])].tolist() == x[[1]].tolist() == [[3, 4, 5]]
    x[0] = torch.ones(3)  # a copy
    x[:, range(2)] += x.new_tensor([10, 20])
    assert x.cpu().numpy().tolist() == [[11, 21, 1], [13, 24, 5]]
    for made in (x.new_zeros(1), torch.zeros_like(x), torch.empty(1, device=DEVICE)):
        assert isinstance(made, Elsewhere) and made.device == DEVICE
