"""InstanceFlow's training: pairs, gradients, and its pre-training."""

import copy

import pytest
import torch
from mmengine.runner.checkpoint import load_checkpoint
from model_configs import build as build_model
from model_factory import COUNTS, tiny_config, training_clip, without_gradient


def build(**overrides):
    cfg = tiny_config('tiny/instance_flow_tiny_synthvis.py').model
    cfg.update(overrides)
    net = build_model(cfg)
    net.init_weights()
    return net


@pytest.mark.parametrize('counts', ['common', 'none_common'])
def test_mixed_precision(counts):
    net, clip = build().eval(), training_clip(*COUNTS[counts])
    with torch.no_grad():
        expected = net.loss(*clip)
    with torch.autocast('cpu', torch.bfloat16):
        losses = net.loss(*clip)
    assert without_gradient(net, losses) == []
    for name, value in losses.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value.detach(), expected[name], rtol=0.02, atol=0.0)


def test_both_frames_of_a_pair_are_targets_and_each_has_its_own_reference():
    """Swapping the frames of one clip, or the clips, changes no loss."""
    net = build().eval()
    (first, one), (second, two) = training_clip(2, 3, 3), training_clip(1, 2, 2, 1)
    two[0][0].set_metainfo(dict(video_id=2))
    two[0][1].set_metainfo(dict(video_id=2))
    swapped = copy.deepcopy(two)
    swapped[0].video_data_samples = swapped[0].video_data_samples[::-1]
    with torch.no_grad():
        losses = net.loss(torch.cat([first, second]), one + two)
        others = net.loss(torch.cat([second.flip(1), first]), swapped + one)
    assert losses['loss_inter'] > 0
    for name in losses:
        torch.testing.assert_close(losses[name], others[name], rtol=1e-4, atol=1e-5)


def test_inter_frame_offsets_see_the_other_frame_of_their_pair(monkeypatch):
    net = build().eval()
    (first, one), (second, two) = training_clip(2, 3, 3), training_clip(1, 2, 2, 1)
    inputs, changed = torch.cat([first, second]), torch.cat([first, second])
    changed[0, 1] += 1.0
    found, forward = [], net.inter_frame_head.forward
    monkeypatch.setattr(
        net.inter_frame_head,
        'forward',
        lambda *args: found.append(forward(*args)) or found[-1],
    )
    with torch.no_grad():
        net.loss(inputs, one + two)
        net.loss(changed, one + two)
    changes = (found[0] - found[1]).abs().amax((1, 2, 3)) > 1e-5
    assert changes.tolist() == [True, True, False, False]


def test_pretraining_without_an_inter_frame_head(tmp_path):
    net = build(inter_frame_head=None)
    inputs, samples = training_clip(1, 2, 1)
    losses = net.train().loss(inputs[:, :1], [samples[0][:1]])
    assert losses.keys() == {'loss_semantic', 'loss_center', 'loss_intra'}
    assert without_gradient(net, losses) == []

    torch.save({'state_dict': net.state_dict()}, tmp_path / 'pretrained.pth')
    full = build()
    fusions = copy.deepcopy(full.inter_frame_head.temporal_fusions.state_dict())
    load_checkpoint(full, str(tmp_path / 'pretrained.pth'), strict=False)
    own = full.inter_frame_head.state_dict()
    copied = {name for name in own if not name.startswith('temporal_fusions')}
    for name in copied:
        assert torch.equal(own[name], net.intra_frame_head.state_dict()[name])
    assert len(copied) > 50
    for name, value in fusions.items():
        assert torch.equal(own[f'temporal_fusions.{name}'], value)
    # A checkpoint with an inter-frame head is left as it is.
    other = build()
    with torch.no_grad():
        other.inter_frame_head.offset[1].bias.fill_(3.0)
    full.load_state_dict(other.state_dict())
    assert full.inter_frame_head.offset[1].bias.tolist() == [3.0, 3.0]


@pytest.mark.parametrize('frames', [1, 3])
def test_clips_of_a_wrong_length(frames):
    inputs, samples = training_clip(1, 1, 1)
    inputs = inputs[:, [0, 1, 1][:frames]]
    with pytest.raises(ValueError, match=rf'clips of 2 .* have {frames}'):
        build().loss(inputs, samples)
