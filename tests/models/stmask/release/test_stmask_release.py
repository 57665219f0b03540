"""STMask with the release's settings against the numbers of the released code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fixtures.stmask_fixtures import (
    assert_outputs_equal,
    assert_statistics_equal,
    clip_ground_truth,
    frame,
    load,
    load_json,
    official_state,
)
from mmcv.ops import modulated_deform_conv2d
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from model_factory import clip_sample
from released_models import CONTENT, INPUT_SHAPE, SCALE, released_model
from torch import Tensor

from mmvis.models.stmask import deformable_resnet
from mmvis.models.stmask.release.checkpoint import convert_state_dict
from mmvis.models.stmask.release.names import tensor_names
from mmvis.models.stmask.stmask import STMask


@pytest.fixture(scope='module')
def models() -> dict[str, STMask]:
    names = {f'r50_{kind}': f'STMask_plus_resnet50_{kind}' for kind in ('ada', 'ali')}
    return {short: released_model(name) for short, name in names.items()}


def outputs_of(model: STMask, image: Tensor) -> dict[str, Tensor]:
    """Outputs of one frame under the names of the fixtures, in their layout."""
    with torch.no_grad():
        features = model.extract_feat(image)
    return dict(
        loc=features.outputs.deltas[0],
        # The background is first there.
        conf=features.outputs.logits[0].roll(1, dims=-1),
        mask_coeff=features.outputs.coefficients[0],
        track=features.outputs.embeddings[0],
        centerness=features.outputs.centerness[0, :, None],
        proto=features.prototypes[0].permute(1, 2, 0),
        T2S_P4=features.temporal[1][0],
        anchors=features.anchors[0],
    )


def compare_levels(outputs: Tensor, rows: np.ndarray, sizes: np.ndarray, name: str):
    """Statistics of each level's anchors."""
    counts = (sizes.prod(1) * 3).tolist()
    for level, expected in zip(outputs.split(counts), rows, strict=True):
        assert_statistics_equal(level, expected, name)


class TestOutputs:
    """Everything that the network predicts of one frame."""

    def test_resnet50_adaptive(self, models):
        outputs = outputs_of(models['r50_ada'], frame('A', 0))
        stored = load('raw_r50_ada_frame0')
        for name in ('loc', 'conf', 'mask_coeff'):
            assert_outputs_equal(outputs[name][::5], stored[f'{name}_step5'], name)
        assert_outputs_equal(outputs['track'][::10], stored['track_step10'], 'track')
        assert_outputs_equal(outputs['centerness'], stored['centerness'], 'centerness')
        proto = outputs['proto']
        assert_outputs_equal(proto[::2, ::2], stored['proto_step2'], 'proto')
        assert_statistics_equal(proto, stored['stats_proto'], 'proto')
        shared = outputs['T2S_P4'][::16]
        assert_outputs_equal(shared, stored['T2S_P4_ch_step16'], 'shared features')
        for name in ('loc', 'conf', 'mask_coeff', 'track', 'centerness'):
            rows = stored[f'level_stats_{name}']
            compare_levels(outputs[name], rows, stored['level_hw'], name)

    def test_resnet50_aligned(self, models):
        outputs = outputs_of(models['r50_ali'], frame('A', 0))
        stored = load('raw_r50_ali_frame0')
        assert_outputs_equal(outputs['conf'][::5], stored['conf_step5'], 'conf')
        rows = stored['level_stats_conf']
        compare_levels(outputs['conf'], rows, stored['level_hw'], 'conf')

    def test_resnet101_adaptive(self):
        outputs = outputs_of(released_model('STMask_plus_base_ada'), frame('A', 0))
        stored = load('raw_r101_ada_frame0')
        for name in ('loc', 'conf', 'mask_coeff', 'track', 'centerness', 'proto'):
            assert_statistics_equal(outputs[name], stored[f'stats_{name}'], name)
            sample = outputs[name].flatten()[:: stored[f'sample_step_{name}'].item()]
            assert_outputs_equal(sample, stored[f'sample_{name}'], name)
            if name != 'proto':
                rows = stored[f'level_stats_{name}']
                compare_levels(outputs[name], rows, stored['level_hw'], name)

    def test_anchors(self, models):
        anchors = outputs_of(models['r50_ada'], frame('A', 0))['anchors']
        priors = torch.from_numpy(load('raw_r50_ada_frame0')['priors_step5'])
        centre, size = (priors * SCALE).split(2, dim=1)
        expected = torch.cat([centre - size / 2, centre + size / 2], dim=1)
        torch.testing.assert_close(anchors[::5], expected, atol=1e-4, rtol=0)


def test_temporal_fusion(models):
    """Given boxes and coefficients of A0 carried to A1."""
    model, stored = models['r50_ada'], load('temporal_r50_ada_A0_to_A1')
    with torch.no_grad():
        first, second = (model.extract_feat(frame('A', t)) for t in (0, 1))
        joined = model.temporal_net.join(first.temporal, second.temporal)[0]
        boxes = torch.from_numpy(stored['boxes']) * SCALE
        deltas, increments = model.temporal_net.between(
            first.temporal, second.temporal, boxes, INPUT_SHAPE
        )
        moved = model.temporal_net.decode(boxes, deltas)
        coefficients = torch.from_numpy(stored['mask_coeff']) + increments
        masks = model.assemble_masks(
            second.prototypes[0], coefficients, moved, INPUT_SHAPE
        )
    assert_outputs_equal(
        joined[::8, ::2, ::2], stored['concat_ch_step8_pix_step2'], 'joined'
    )
    assert_statistics_equal(joined, stored['concat_stats'], 'joined')
    assert_outputs_equal(deltas, stored['temporal_loc'], 'deltas')
    assert_outputs_equal(increments, stored['temporal_coeff'], 'increments')
    assert_outputs_equal(moved / SCALE, stored['box_shift'], 'boxes')
    assert_outputs_equal(coefficients, stored['mask_coeff_shift'], 'coefficients')
    assert_outputs_equal(masks[:, ::2, ::2], stored['mask_shift_pix_step2'], 'masks')
    areas = (masks > 0.5).sum((1, 2))
    assert areas.tolist() == stored['mask_shift_area'].tolist()


def mmcv_deformable(features, offsets, weight, bias, modulation, *sampling):
    """mmcv's operator, with which the stored numbers were computed."""
    return modulated_deform_conv2d(
        features, offsets, modulation, weight, bias, *sampling, 1, 1
    )


# That both operators are one function is tested beside the operator.
@pytest.mark.parametrize(
    'operator', ['own', pytest.param('mmcv', marks=pytest.mark.full)]
)
def test_losses_and_gradients(models, operator, monkeypatch):
    if operator == 'mmcv':
        monkeypatch.setattr(
            deformable_resnet, 'deformable_convolution', mmcv_deformable
        )
    model = models['r50_ada']
    stored = load('loss_net_r50_ada_A01')
    sample = clip_sample(2, ori_shape=CONTENT, img_shape=CONTENT)
    for image, gt in zip(sample, clip_ground_truth('A'), strict=True):
        image.gt_instances = InstanceData(
            bboxes=torch.from_numpy(gt['boxes']) * SCALE,
            labels=torch.from_numpy(gt['labels']) - 1,
            masks=BitmapMasks(gt['masks'], *INPUT_SHAPE),
            instances_ids=torch.from_numpy(gt['ids']),
        )
    clip = torch.cat([frame('A', 0), frame('A', 1)])[None]
    model.train()
    # The config freezes what the release trains.
    for parameter in model.parameters():
        parameter.requires_grad_()
    try:
        losses = model.loss(clip, [sample])
        sum(losses.values()).backward()
        norms = {
            name: parameter.grad.norm().item()
            for name, parameter in model.named_parameters()
        }
    finally:
        model.zero_grad(set_to_none=True)
        model.eval()
    names = dict(
        loss_bbox='BIoU',
        loss_mask='M',
        loss_cls='C',
        loss_centerness='center',
        loss_shift_bbox='B_shift',
        loss_shift_mask='M_shift',
        loss_embed='T',
    )
    expected = {own: stored[f'loss_{name}'].item() for own, name in names.items()}
    actual = {name: loss.item() for name, loss in losses.items()}
    assert actual == pytest.approx(expected, rel=1e-4)

    _, network = convert_state_dict(official_state('STMask_plus_resnet50_ada'))
    own_names = tensor_names(network)
    grad_norms = load_json('loss_net_r50_ada_A01_grad_norms')
    expected = {own_names[name]: norm for name, norm in grad_norms.items()}
    if operator == 'mmcv':
        assert norms == pytest.approx(expected, rel=1e-4, abs=1e-6)
    # Another rounding may turn a single ReLU, which a few of the tensors show.
    assert norms == pytest.approx(expected, rel=2e-3, abs=1e-6)
    close = [norms[name] == pytest.approx(expected[name], rel=1e-4) for name in norms]
    assert sum(close) > 0.8 * len(close)
