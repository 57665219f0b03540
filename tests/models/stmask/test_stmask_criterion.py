"""All losses of STMask together against those that the release computed.

The predictions are stored, so that no network but the temporal one takes part.
"""

from operator import itemgetter

import pytest
import torch
from fixtures.stmask_fixtures import load
from release_batch import INPUT, LOSSES, NAME, PAPER, batch, criterion, to_release

from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.stmask.targets import assign_targets
from mmvis.structures import map_tensors


@pytest.fixture(scope='module')
def released():
    """The stored numbers, our batch and our losses, with gradients of their sum."""
    ours = batch()
    losses = criterion()(*ours.arguments)
    sum(losses.values()).backward()
    return load(NAME), ours, {k: v.detach() for k, v in losses.items()}


def test_gives_the_releases_losses(released):
    stored, _, losses = released
    assert losses.keys() == LOSSES.keys()
    for name, official in LOSSES.items():
        expected = float(stored[f'loss_{official}'][0])
        assert float(losses[name]) == pytest.approx(expected, rel=1e-5), name
    total = float(stored['loss_total'][0])
    assert float(sum(losses.values())) == pytest.approx(total, rel=1e-5)


def test_gives_the_releases_gradients(released):
    stored, ours, _ = released
    for name, leaf in ours.leaves.items():
        grad = to_release(name, leaf.grad)
        norm = float(stored[f'grad_norm_{name}'][0])
        assert float(grad.norm()) == pytest.approx(norm, rel=1e-5), name
        sample = torch.from_numpy(stored[f'grad_sample_{name}'])
        torch.testing.assert_close(
            grad.flatten()[::197], sample, rtol=1e-4, atol=1e-5 * norm
        )
    names = ['conv1', 'conv2', 'conv3', 'fc', 'fc_coeff']
    expected = [
        float(stored[f'grad_norm_param_{name}_{kind}'][0])
        for name in names
        for kind in ('weight', 'bias')
    ]
    norms = [float(p.grad.norm()) for p in ours.temporal_net.parameters()]
    assert norms == pytest.approx(expected, rel=1e-5)


def test_gives_the_releases_targets(released):
    stored, ours, _ = released
    loss = criterion()
    features = ours.features
    targets = assign_targets(
        loss.assigner, features.anchors[0], features.outputs.logits, ours.frames
    )
    official = torch.from_numpy(stored['conf_t']).long()
    # The release's classes begin with the background.
    expected = torch.where(official > 0, official - 1, official)
    expected[official == 0] = features.outputs.logits.shape[-1] - 1
    assert torch.equal(targets.labels, expected)

    objects = BatchObjects.gather(ours.frames, torch.device('cpu'))
    frame, anchor = (official > 0).nonzero(as_tuple=True)
    assert torch.equal(targets.frame, frame) and torch.equal(targets.anchor, anchor)
    number = torch.from_numpy(stored['idx_t'])[frame, anchor]
    first = torch.tensor([0, 3, 6, 8])
    assert torch.equal(targets.gt, first[frame] + number)
    ids = torch.from_numpy(stored['ids_t'])[frame, anchor].long()
    assert torch.equal(objects.ids[targets.gt] % 2**40, ids)

    background = targets.labels == 40
    positive = (targets.labels >= 0) & ~background
    negative = loss.loss_cls.hard_negatives(
        features.outputs.logits, background, positive
    )
    assert torch.equal(negative.flatten(), torch.from_numpy(stored['ohem_neg']).bool())


def test_pixels_instead_of_fractions_change_only_the_losses_of_a_dious_distance(
    released,
):
    _, ours, losses = released
    pixels = criterion(bbox_unit='pixel')(*ours.arguments)
    changed = {k for k in losses if not torch.isclose(losses[k], pixels[k], rtol=1e-5)}
    assert changed == {'loss_bbox', 'loss_centerness'}


def paper_losses(clips, ours=None):
    """Losses with the settings of the paper's configs, of these clips in this order."""
    ours, clips = ours or batch(), torch.tensor(clips)
    rows = torch.stack([clips * 2, clips * 2 + 1], 1).flatten()
    features = map_tensors(itemgetter(rows), ours.features)
    frames = [ours.frames[row] for row in rows]
    net = ours.temporal_net
    whole = net.joined
    net.joined = whole[clips]
    losses = criterion(**PAPER)(features, frames, INPUT, ours.bbox_coder, net)
    net.joined = whole
    return {name: loss.detach() for name, loss in losses.items()}


def test_the_order_of_clips_does_not_matter():
    one, other = paper_losses([0, 1]), paper_losses([1, 0])
    for name in LOSSES:
        torch.testing.assert_close(one[name], other[name], msg=name)


def test_clips_count_alike_and_those_without_common_objects_as_zero():
    both, one, other = (paper_losses(clips) for clips in ([0, 1], [0], [1]))
    for name in LOSSES.keys() - {'loss_cls', 'loss_embed'}:
        assert one[name] > 0
        assert other[name] > 0
        torch.testing.assert_close(both[name], (one[name] + other[name]) / 2)
    ours = batch()
    ours.frames[3].gt_instances.instances_ids += 1000
    apart = paper_losses([0, 1], ours)
    for name in ('loss_shift_bbox', 'loss_shift_mask'):
        torch.testing.assert_close(apart[name], one[name] / 2)


@pytest.mark.parametrize('key', ['shift_prior', 'bbox_unit'])
def test_unknown_words_are_refused(key):
    with pytest.raises(ValueError, match=f"{key} must be .* but is 'box'"):
        criterion(**{key: 'box'})
