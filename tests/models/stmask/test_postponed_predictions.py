"""Coefficients and embeddings of the detections alone are those of all anchors."""

import pytest
import torch

from mmvis.models.common.prediction_at_places import Places
from mmvis.models.stmask.head import STMaskHead
from mmvis.models.stmask.outputs import STMaskOutputs

LEVELS = [(9, 14), (5, 7), (3, 4), (1, 2), (1, 1)]
CALIBRATED = 'CalibratedConvolution'
CASES = {
    'plain': None,
    'adaptive': dict(
        type=CALIBRATED, offset=dict(type='AdaptiveOffset'), branches=['cls', 'coeff']
    ),
    'aligned': dict(
        type=CALIBRATED, offset=dict(type='AlignedOffset'), branches=['coeff', 'embed']
    ),
}


def make_head(calibration, kernels, scales=(1.0,)):
    torch.manual_seed(0)
    head = STMaskHead(
        num_classes=3,
        in_channels=8,
        feat_channels=8,
        num_tower_convs=1,
        num_coefficients=4,
        embed_channels=6,
        anchor_generator=dict(
            type='KernelAnchorGenerator', kernel_sizes=kernels, scales=scales
        ),
        calibration=calibration,
        test_cfg=dict(
            score_thr=0.26,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=20,
        ),
    )
    # Boxes that are regressed by whole cells, so that samples leave the map.
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head.double().eval()


def maps(batch=2):
    torch.manual_seed(1)
    return [torch.randn(batch, 8, *size, dtype=torch.double) for size in LEVELS]


@torch.no_grad()
@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('kernels', [[(3, 3), (3, 5), (5, 3)], [(3, 2), (2, 3)]])
def test_every_anchor_of_every_level(case, kernels):
    head = make_head(CASES[case], kernels, scales=(1.0, 1.5))
    dense, _ = head(maps())
    postponed, shared = head(maps(), postpone=True)
    assert [tuple(level.shape[-2:]) for level in shared] == LEVELS
    torch.testing.assert_close(postponed[:3], dense[:3], atol=1e-12, rtol=0)
    kept = torch.randperm(dense.deltas.shape[1])
    for frame in range(2):
        one = postponed._replace(**{k: v[frame] for k, v in named(postponed)})
        coefficients, embeddings = head.predict_kept(one, kept)
        close = dict(atol=1e-12, rtol=1e-12)
        expected = dense.coefficients[frame][kept]
        torch.testing.assert_close(coefficients, expected, **close)
        torch.testing.assert_close(embeddings, dense.embeddings[frame][kept], **close)


def named(outputs):
    return zip(outputs._fields, outputs, strict=True)


@torch.no_grad()
@pytest.mark.parametrize('score_thr', [0.26, 1.0])
def test_detections_are_the_same(score_thr):
    head = make_head(CASES['adaptive'], [(3, 3), (3, 5)]).float()
    head.test_cfg.score_thr = score_thr
    feats = [level.float() for level in maps(1)]
    anchors = head.anchors(feats, (72, 112))
    results = []
    for postpone in (False, True):
        outputs, _ = head(feats, postpone=postpone)
        one = outputs._replace(**{k: v[0] for k, v in named(outputs)})
        results.append(head.predict(one, anchors))
    assert (len(results[0]) > 3) == (score_thr < 1)
    for key, value in results[0].items():
        torch.testing.assert_close(results[1][key], value)


def test_a_branch_that_looks_at_neighbours_is_not_postponed():
    calibration = dict(
        type='CalibratedFeatureConvolution',
        offset=dict(type='AdaptiveOffset'),
        branches=['coeff'],
    )
    head = make_head(calibration, [(3, 3)])
    assert isinstance(head(maps(), postpone=True)[0], STMaskOutputs)
    # Of its own accord only on request.
    assert isinstance(make_head(None, [(3, 3)])(maps())[0], STMaskOutputs)


def test_offsets_that_are_not_a_number_read_zeros():
    head = make_head(CASES['aligned'], [(3, 3)])
    layer = head.coeff_preds[0]
    places = Places.of_pyramid(LEVELS, torch.device('cpu'))
    features = torch.cat([level[0].flatten(1) for level in maps()], dim=1)
    deltas = torch.full((len(places.cell), 4), torch.nan, dtype=torch.double)
    result = layer.at(features, places, deltas)
    torch.testing.assert_close(result, layer.bias.expand_as(result))
