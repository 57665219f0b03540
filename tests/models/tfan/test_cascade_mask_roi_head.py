"""Masks made in two steps are those that mmdet makes in one."""

import copy

import pytest
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from model_factory import clip_sample, tiny_config

from mmvis.registry import MODELS


def roi_head(class_agnostic: bool):
    init_default_scope('mmvis')
    torch.manual_seed(0)
    detector = tiny_config('tiny/tfan_tiny_synthvis.py').model.detector
    config = detector.roi_head
    config.mask_head.class_agnostic = class_agnostic
    config.update(train_cfg=detector.train_cfg.rcnn, test_cfg=detector.test_cfg.rcnn)
    head = MODELS.build(config)
    for part in head.mask_head:
        torch.nn.init.normal_(part.conv_logits.weight, std=0.3)
    return head.eval()


@torch.no_grad()
@pytest.mark.parametrize('class_agnostic', [False, True])
@pytest.mark.parametrize('count', [0, 5])
def test_equals_mmdets_masks(class_agnostic, count):
    head = roi_head(class_agnostic)
    torch.manual_seed(1)
    feats = tuple(torch.randn(1, 64, 96 // s, 160 // s) for s in (4, 8, 16, 32))
    corner = torch.rand(count, 2) * 50
    found = InstanceData(
        bboxes=torch.cat([corner, corner + 30 + 20 * torch.rand(count, 2)], dim=1),
        labels=torch.arange(count) % 8,
        scores=torch.rand(count),
    )
    metainfo = clip_sample(1)[0].metainfo
    wanted = head.predict_mask(feats, [metainfo], [copy.deepcopy(found)], rescale=True)
    before = found.bboxes.clone()
    probabilities = head.mask_probabilities(feats, bbox2roi([found.bboxes]))
    own = head.of_labels(probabilities, found.labels)
    assert own.shape == (count, 28, 28)
    given = found[:]
    result = head.paste(probabilities, given, metainfo)
    assert torch.equal(found.bboxes, before)
    assert torch.equal(result.masks, wanted[0].masks)
    torch.testing.assert_close(result.bboxes, wanted[0].bboxes)
    assert result.masks.shape == (count, 192, 320)
    if count:
        assert result.masks.any()
        label = found.labels[3]
        expected = probabilities[3, 0 if class_agnostic else label]
        assert torch.equal(own[3], expected)
