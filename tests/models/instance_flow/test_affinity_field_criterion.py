"""The affinity field against loops, and that its integral finds the object again."""

import numpy as np
import pytest
import torch
from instance_flow_pairs import SHAPE, random_frames
from mmengine.registry import DefaultScope

from mmvis.models.instance_flow.affinity_field_criterion import affinity_field
from mmvis.models.instance_flow.criterion import InstanceFlowMaps
from mmvis.models.instance_flow.flow import TargetInstances
from mmvis.models.instance_flow.flow_distances import AffinityField
from mmvis.models.instance_flow.targets import InstanceFlowTargets
from mmvis.registry import MODELS

STRIDE, WIDTH = 4, 9.0


def make_targets(seed):
    frames = random_frames(seed)
    return InstanceFlowTargets.make(frames, SHAPE, STRIDE, torch.device('cpu'))


def loops(targets):
    batch, rows, columns = targets.owner.shape
    frame_of = np.repeat(np.arange(batch), targets.counts)
    field = np.zeros((batch, 2, rows, columns))
    for b, r, c in np.ndindex(batch, rows, columns):
        pixel, vectors = np.array([c + 0.5, r + 0.5]) * STRIDE, []
        for k in np.flatnonzero(frame_of == b):
            start, stop = (
                centers[k].double().numpy()
                for centers in (targets.centers, targets.reference_centers)
            )
            if not targets.in_reference[k] or (start == stop).all():
                continue
            unit = (stop - start) / np.linalg.norm(stop - start)
            ahead = (pixel - start) @ unit
            aside = np.linalg.norm(pixel - start - ahead * unit)
            if aside <= WIDTH / 2 and (
                -WIDTH / 2 <= ahead <= np.linalg.norm(stop - start) + WIDTH / 2
            ):
                vectors.append(unit)
        if vectors:
            field[b, :, r, c] = np.mean(vectors, axis=0)
    return field


@pytest.mark.parametrize('seed', [1, 3])
def test_against_loops(seed):
    targets = make_targets(seed)
    assert targets.in_reference.any()
    found = affinity_field(targets, WIDTH)
    np.testing.assert_allclose(found, loops(targets), atol=1e-5)
    assert found.any() and not found.all()


def test_integral_along_the_field_leads_to_the_reference_centre():
    targets = make_targets(1)
    k = int((targets.in_reference & (targets.areas > 0)).nonzero()[0])
    targets.in_reference &= torch.arange(len(targets.labels)) == k
    frame = int(np.repeat(np.arange(4), targets.counts)[k])
    field = affinity_field(targets, 12.0)[frame, None]
    centers = targets.centers[k : k + 1]
    goal = targets.reference_centers[k : k + 1]
    target = TargetInstances(centers, targets.owner[frame], field[0], STRIDE)
    opposite = 2 * centers - goal
    (distance,) = AffinityField()(target, field, [torch.cat([goal, opposite])])
    way = (goal - centers).norm()
    assert distance[0, 0] < 0.15 * way
    assert distance[0, 1] > 0.7 * way


def build(**kwargs):
    cfg = dict(
        type='AffinityFieldCriterion',
        loss_semantic=dict(type='mmdet.CrossEntropyLoss'),
        loss_center=dict(type='mmdet.MSELoss'),
        loss_intra=dict(type='mmdet.L1Loss'),
        loss_inter=dict(type='mmdet.L1Loss', loss_weight=2.0),
        width=WIDTH,
    )
    with DefaultScope.overwrite_default_scope('mmvis'):
        return MODELS.build(cfg | kwargs)


def test_the_loss_counts_everywhere_but_in_padding():
    targets = make_targets(1)
    targets.counted[:, :, -3:] = False
    inter = torch.randn(4, 2, *targets.owner.shape[1:], requires_grad=True)
    zeros = torch.zeros_like(inter)
    maps = InstanceFlowMaps(zeros.repeat(1, 3, 1, 1), zeros[:, :1], zeros, inter)
    losses = build()(maps, targets)
    assert 'loss_shape' not in losses
    error = np.abs(inter.detach().numpy() - loops(targets)).sum(1)
    expected = 2 * error[targets.counted.numpy()].mean()
    assert losses['loss_inter'].item() == pytest.approx(expected, rel=1e-5)


def test_a_shape_loss_is_refused():
    with pytest.raises(ValueError, match='loss_shape=None'):
        build(loss_shape=dict(type='mmdet.MSELoss'))
