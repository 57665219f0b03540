"""All losses of STMask together against those that the release computed.

The predictions are stored, so that no network but the temporal one takes part.
"""

import functools

import numpy as np
import pytest
import torch
from fixtures.stmask_fixtures import clip_ground_truth, load, official_state
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.models.layers.temporal_fusion import BBOX_CODER, TemporalFusion
from mmvis.models.layers.temporal_network import boxes_to_cells
from mmvis.models.losses.stmask_targets import BatchObjects, assign_targets
from mmvis.models.vis.stmask import STMaskFeatures
from mmvis.registry import MODELS, TASK_UTILS

CONFIG = 'STMask_plus_resnet50_ada'
INPUT = 64, 96
CRITERION = dict(
    type='STMaskCriterion',
    assigner=dict(type='ClassAwareAssigner'),
    loss_cls=dict(type='ReleasedHardNegativeCrossEntropyLoss'),
    loss_bbox=dict(type='DIoULoss', loss_weight=5.0),
    loss_mask=dict(
        type='PrototypeMaskLoss', crop='predicted', enlarge=1.2, resolution='input'
    ),
    loss_embed=dict(type='PairwiseEmbeddingLoss'),
    loss_centerness=dict(type='CenternessLoss', detach_target=False),
    loss_shift_bbox=dict(type='SmoothL1Loss', loss_weight=5.0),
    loss_shift_mask=dict(type='PrototypeMaskLoss', resolution='input', least_side=0.0),
    shift_prior='ground_truth',
    bbox_unit='input',
)
RELEASED_NAMES = dict(
    loss_cls='C',
    loss_bbox='BIoU',
    loss_mask='M',
    loss_embed='T',
    loss_centerness='center',
    loss_shift_bbox='B_shift',
    loss_shift_mask='M_shift',
)

LAYERS = dict(
    conv1='convs.0.conv',
    conv2='convs.1.conv',
    conv3='convs.2.conv',
    fc='fc_reg',
    fc_coeff='fc_coeff',
)


@functools.lru_cache
def stored():
    """The stored arrays as tensors, predictions in float32."""
    arrays = load('loss_standalone_r50_ada_2clips_64x96')
    return {
        k: torch.from_numpy(v.astype(np.float32) if k.startswith('pred_') else v)
        for k, v in arrays.items()
    }


class StoredFusion(TemporalFusion):
    """The temporal network on stored features."""

    def between(self, previous, current, bboxes, input_shape, pairs):
        cells = boxes_to_cells(bboxes, input_shape, self.stored.shape[-2:])
        return self(self.stored, torch.cat([pairs[:, None].to(cells), cells], dim=1))


@functools.lru_cache
def temporal_net():
    net, weights = StoredFusion(joined_features='shared'), official_state(CONFIG)
    for released, layer in LAYERS.items():
        for kind in ('weight', 'bias'):
            weight = weights[f'TemporalNet.{released}.{kind}']
            net.get_parameter(f'{layer}.{kind}').data.copy_(weight)
    return net


def frames(size=INPUT, divide=3):
    """Frames A0, A1, B0, B1 with their objects."""
    scale = torch.tensor(size[::-1] * 2)
    samples = []
    for video in 'AB':
        truth = clip_ground_truth(video, height=size[0], width=size[1], divide=divide)
        for objects in truth:
            sample = DetDataSample(metainfo=dict(video_id=video))
            sample.gt_instances = InstanceData(
                bboxes=torch.from_numpy(objects['boxes']) * scale,
                labels=torch.from_numpy(objects['labels']) - 1,
                instances_ids=torch.from_numpy(objects['ids']),
                masks=BitmapMasks(objects['masks'], *size),
            )
            samples.append(sample)
    return samples


def predictions():
    """Leaves under the stored names, and the features made of them."""
    leaves = {
        k.removeprefix('pred_'): v.clone().requires_grad_()
        for k, v in stored().items()
        if k.startswith('pred_') and k != 'pred_priors'
    }
    centre, size = stored()['pred_priors'].split(2, dim=1)
    priors = torch.cat([centre - size / 2, centre + size / 2], 1)
    nothing = torch.zeros(4, 0, 1, 1)
    features = STMaskFeatures(
        deltas=leaves['loc'],
        logits=leaves['conf'].roll(-1, -1),
        centerness=leaves['centerness'].squeeze(-1),
        coefficients=leaves['mask_coeff'],
        embeddings=leaves['track'],
        prototypes=leaves['proto'].permute(0, 3, 1, 2),
        correlated=nothing,
        joined=nothing,
        anchors=(priors * torch.tensor(INPUT[::-1] * 2)).expand(4, -1, -1),
    )
    return leaves, features


def losses_of(features, samples, joined, **settings):
    criterion = MODELS.build(dict(CRITERION, **settings))
    net = temporal_net()
    net.stored = joined
    return criterion(features, samples, INPUT, TASK_UTILS.build(BBOX_CODER), net)


def test_losses_and_gradients_are_the_released_ones():
    leaves, features = predictions()
    losses = losses_of(features, frames(), leaves['T2S_concat_feat'])
    for name, released in RELEASED_NAMES.items():
        expected = stored()[f'loss_{released}'][0]
        torch.testing.assert_close(
            losses[name], expected, rtol=1e-5, atol=0, msg=lambda m, n=name: f'{n}: {m}'
        )
    net = temporal_net()
    net.zero_grad()
    sum(losses.values()).backward()
    for name, leaf in leaves.items():
        expected = stored()[f'grad_norm_{name}'][0]
        torch.testing.assert_close(leaf.grad.norm(), expected, rtol=1e-4, atol=0)
        sample = stored()[f'grad_sample_{name}']
        actual = leaf.grad.flatten()[::197]
        torch.testing.assert_close(actual, sample, rtol=1e-3, atol=1e-6)
    for released, layer in LAYERS.items():
        for kind in ('weight', 'bias'):
            expected = stored()[f'grad_norm_param_{released}_{kind}'][0]
            gradient = net.get_parameter(f'{layer}.{kind}').grad
            torch.testing.assert_close(gradient.norm(), expected, rtol=1e-4, atol=0)


def test_targets_are_the_released_ones():
    _, features = predictions()
    samples = frames()
    assigner = TASK_UTILS.build(CRITERION['assigner'])
    targets = assign_targets(assigner, features.anchors[0], features.logits, samples)
    labels = stored()['conf_t'].long()
    expected = torch.where(labels > 0, labels - 1, torch.where(labels == 0, 40, -1))
    assert torch.equal(targets.labels, expected)
    at = targets.frame, targets.anchor
    assert torch.equal(torch.stack(at, 1), (labels > 0).nonzero())
    objects = BatchObjects.gather(samples, torch.device('cpu'))
    ids = torch.cat([sample.gt_instances.instances_ids for sample in samples])
    assert torch.equal(ids[targets.gt].int(), stored()['ids_t'][at])
    assert torch.equal(objects.frame[targets.gt], targets.frame)
    sums = torch.zeros(4).index_add_(0, targets.frame, targets.weights)
    torch.testing.assert_close(sums, torch.ones(4))


def test_objects_are_followed_within_their_clip_only():
    samples = frames()
    objects = BatchObjects.gather(samples, torch.device('cpu'))
    # 101 102 103 | 101 102 104 | 201 202 | 202 201.
    expected = [3, 4, -1, -1, -1, -1, 9, 8, -1, -1]
    assert objects.in_next_frame().tolist() == expected
    for sample in samples:
        sample.set_metainfo(dict(video_id='A'))
        sample.gt_instances.instances_ids[:] = 7
    one = BatchObjects.gather(samples[:1] + samples[2:3], torch.device('cpu'))
    assert len(one.ids.unique()) == 1


PAPER = dict(
    assigner=dict(
        type='MaxIoUAssigner',
        pos_iou_thr=0.5,
        neg_iou_thr=0.4,
        min_pos_iou=0.0,
        gt_max_assign_all=False,
    ),
    loss_cls=dict(type='HardNegativeCrossEntropyLoss'),
    loss_mask=dict(type='PrototypeMaskLoss'),
    loss_centerness=dict(type='CenternessLoss'),
    loss_shift_mask=dict(type='PrototypeMaskLoss'),
    shift_prior='predicted',
    bbox_unit='pixel',
)


def paper_losses(order, samples=None, **settings):
    """Losses with the settings of the paper's configs, of clips in this order."""
    _, features = predictions()
    order = torch.tensor(order)
    rows = torch.stack([order * 2, order * 2 + 1], 1).flatten()
    features = STMaskFeatures(*(feature[rows] for feature in features))
    samples = samples or frames()
    joined = stored()['pred_T2S_concat_feat'][order]
    samples = [samples[row] for row in rows]
    losses = losses_of(features, samples, joined, **dict(PAPER, **settings))
    return {name: loss.detach() for name, loss in losses.items()}


def test_the_order_of_clips_does_not_matter():
    one, other = paper_losses([0, 1]), paper_losses([1, 0])
    for name in RELEASED_NAMES:
        torch.testing.assert_close(one[name], other[name], msg=name)


def test_clips_count_alike_and_those_without_common_objects_as_zero():
    both, one, other = (paper_losses(clips) for clips in ([0, 1], [0], [1]))
    for name in set(RELEASED_NAMES) - {'loss_cls', 'loss_embed'}:
        assert one[name] > 0
        assert other[name] > 0
        torch.testing.assert_close(both[name], (one[name] + other[name]) / 2)
    samples = frames()
    samples[3].gt_instances.instances_ids += 1000
    apart = paper_losses([0, 1], samples)
    for name in ('loss_shift_bbox', 'loss_shift_mask'):
        torch.testing.assert_close(apart[name], one[name] / 2)


def test_regions_of_the_temporal_network_are_bounded(monkeypatch):
    counts = []
    between = StoredFusion.between

    def watched(self, previous, current, bboxes, *args):
        counts.append(len(bboxes))
        return between(self, previous, current, bboxes, *args)

    monkeypatch.setattr(StoredFusion, 'between', watched)
    paper_losses([0, 1])
    losses = paper_losses([0, 1], max_rois=3)
    assert counts[0] > counts[1] == 3
    assert losses['loss_shift_bbox'] > 0


@pytest.mark.parametrize('key', ['shift_prior', 'bbox_unit'])
def test_unknown_words_are_refused(key):
    with pytest.raises(ValueError, match=f"{key} must be .* but is 'box'"):
        MODELS.build(dict(CRITERION, **{key: 'box'}))
