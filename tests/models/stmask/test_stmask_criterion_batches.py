"""The priors and the regions of the carried instances, and batches that lack something.

The predictions are those that the released losses are stored of.
"""

import copy

import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from release_batch import INPUT, LOSSES, PAPER, batch, criterion
from torch import nn

from mmvis.models.stmask.targets import assign_targets
from mmvis.structures import map_tensors


def without_objects(frames, *numbers):
    """The frames, those of the numbers without their objects."""
    frames = copy.deepcopy(frames)
    for number in numbers:
        frames[number].gt_instances = InstanceData(
            bboxes=torch.zeros(0, 4),
            labels=torch.zeros(0, dtype=torch.long),
            instances_ids=torch.zeros(0, dtype=torch.long),
            masks=BitmapMasks([], *INPUT),
        )
    return frames


class ConstantNetwork(nn.Module):
    """A temporal network that predicts zeros and keeps what it was asked."""

    def __init__(self, bbox_coder):
        super().__init__()
        self.bbox_coder = bbox_coder
        self.asked = None

    def between(self, previous, current, bboxes, input_shape, pairs):
        assert previous[0].shape == current[0].shape
        self.asked = bboxes, pairs
        return bboxes.new_zeros(len(bboxes), 4), bboxes.new_zeros(len(bboxes), 32)


def carried(ours, settings):
    """By a loop: clip, positive box and gt box of the first frames' objects, and gt box
    in the second frame."""
    loss, features = criterion(**settings), ours.features
    rows = []
    for clip in (0, 1):
        first, second = ours.frames[2 * clip], ours.frames[2 * clip + 1]
        targets = assign_targets(
            loss.assigner,
            features.anchors[0],
            features.outputs.logits[2 * clip : 2 * clip + 1],
            [first],
        )
        for anchor, k in zip(targets.anchor, targets.gt, strict=True):
            same = first.gt_instances.instances_ids[k]
            match = (second.gt_instances.instances_ids == same).nonzero().flatten()
            if len(match):
                box = ours.bbox_coder.decode(
                    features.anchors[0, anchor][None],
                    features.outputs.deltas[2 * clip, anchor].detach()[None],
                )[0]
                rows.append(
                    (
                        clip,
                        box,
                        first.gt_instances.bboxes[k],
                        second.gt_instances.bboxes[match[0]],
                    )
                )
    return rows


@pytest.mark.parametrize('prior', ['predicted', 'ground_truth'])
@pytest.mark.parametrize('base', [dict(), PAPER])
def test_box_change_is_relative_to_the_prior(prior, base):
    ours, settings = batch(), dict(base, shift_prior=prior)
    net = ConstantNetwork(ours.bbox_coder)
    losses = criterion(**settings)(*ours.arguments[:4], net)
    rows = carried(ours, settings)
    boxes, pairs = net.asked
    torch.testing.assert_close(boxes, torch.stack([row[1] for row in rows]))
    assert pairs.tolist() == [row[0] for row in rows]

    sums, counts = [0.0, 0.0], [0, 0]
    for clip, predicted, gt, following in rows:
        prior_box = predicted if prior == 'predicted' else gt
        size = prior_box[2:] - prior_box[:2]
        centre = (following[:2] + following[2:] - prior_box[:2] - prior_box[2:]) / 2
        stretch = ((following[2:] - following[:2]) / size).log()
        for value in [*(centre / size / 0.1), *(stretch / 0.2)]:
            value = abs(float(value))
            sums[clip] += value**2 / 2 if value < 1 else value - 0.5
        counts[clip] += 1
    expected = 5 * sum(s / c for s, c in zip(sums, counts, strict=True)) / 2
    assert losses['loss_shift_bbox'].item() == pytest.approx(expected, rel=1e-4)


def test_at_most_max_rois_are_drawn_anew_from_all():
    ours = batch()
    net, all_net = (ConstantNetwork(ours.bbox_coder) for _ in range(2))
    criterion()(*ours.arguments[:4], all_net)
    every = {tuple(row.tolist()) for row in all_net.asked[0]}
    assert len(every) > 6
    half, seen = len(every) // 2, set()
    torch.manual_seed(0)
    for _ in range(10):
        losses = criterion(max_rois=half)(*ours.arguments[:4], net)
        assert len(net.asked[0]) == half
        drawn = {tuple(row.tolist()) for row in net.asked[0]}
        assert len(drawn) == half and drawn <= every
        seen |= drawn
        assert all(torch.isfinite(loss) for loss in losses.values())
    assert seen == every
    criterion(max_rois=1000)(*ours.arguments[:4], net)
    assert torch.equal(net.asked[0], all_net.asked[0])


@pytest.mark.parametrize(
    ('empty', 'base'),
    [((0, 1, 2, 3), {}), ((0, 1, 2, 3), PAPER), ((1,), {}), ((0, 3), PAPER)],
)
def test_frames_without_objects(base, empty):
    ours = batch()
    frames = without_objects(ours.frames, *empty)
    losses = criterion(**base)(
        ours.features, frames, INPUT, ours.bbox_coder, ours.temporal_net
    )
    assert losses.keys() == LOSSES.keys()
    sum(losses.values()).backward()
    for name, leaf in ours.leaves.items():
        assert leaf.grad is not None and leaf.grad.isfinite().all(), name
    for name, parameter in ours.temporal_net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    if len(empty) == 4:
        assert all(loss.item() == 0 for loss in losses.values())
    # No pair without one of its frames.
    pairs = {0, 1} - {number // 2 for number in empty}
    for name in ('loss_shift_bbox', 'loss_shift_mask'):
        assert (losses[name].item() > 0) == bool(pairs), name


def test_objects_that_leave_and_enter_are_not_carried():
    ours = batch()
    frames = copy.deepcopy(ours.frames)
    for number in (1, 3):
        frames[number].gt_instances.instances_ids += 1000
    losses = criterion()(
        ours.features, frames, INPUT, ours.bbox_coder, ours.temporal_net
    )
    assert losses['loss_shift_bbox'].item() == losses['loss_shift_mask'].item() == 0
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in ours.temporal_net.parameters())


def test_one_positive_anchor():
    ours = batch()
    frames = without_objects(ours.frames, 1, 2, 3)
    # Too small for any anchor: the object has the one that it is given.
    frames[0].gt_instances = frames[0].gt_instances[:1]
    frames[0].gt_instances.bboxes = torch.tensor([[30.0, 20.0, 31.0, 21.0]])
    for base in (dict(), PAPER):
        features = ours.features
        loss = criterion(**base)
        targets = assign_targets(
            loss.assigner, features.anchors[0], features.outputs.logits, frames
        )
        assert len(targets.gt) == 1
        losses = loss(features, frames, INPUT, ours.bbox_coder, ours.temporal_net)
        assert all(value.isfinite() for value in losses.values())
        assert losses['loss_embed'].item() == 0
        sum(losses.values()).backward()


@pytest.mark.parametrize('base', [dict(), PAPER])
def test_half_precision_changes_little(base):
    ours = batch()
    exact = criterion(**base)(*ours.arguments)
    outputs, prototypes = map_tensors(
        lambda exact: exact.detach().bfloat16().requires_grad_(),
        (ours.features.outputs, ours.features.prototypes),
    )
    features = ours.features._replace(outputs=outputs, prototypes=prototypes)
    with torch.autocast('cpu', torch.bfloat16):
        losses = criterion(**base)(features, *ours.arguments[1:])
        assert all(value.dtype == torch.float32 for value in losses.values())
    sum(losses.values()).backward()
    for name, value in losses.items():
        # Predictions are rounded to 8 bits; classes decide which anchors are taken.
        assert value.item() == pytest.approx(exact[name].item(), rel=0.1), name
    assert all(half.grad.isfinite().all() for half in (*outputs, prototypes))
