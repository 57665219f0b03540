"""Which of mmdet's detectors are computed for all frames of a chunk at once."""

import copy

import pytest
import torch
import video_models
from mmdet.structures.bbox import bbox2roi
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from model_factory import clip_sample, tiny_config

from mmvis.models.common.chunk_rcnn import (
    boxes_of_frames,
    goes_together,
    makes_usual_masks,
    proposals_of_frames,
)
from mmvis.registry import MODELS


@pytest.mark.parametrize('name', ['masktrack_rcnn', 'tfan'])
def test_a_part_with_steps_of_its_own_is_left_to_them(name):
    detector = copy.deepcopy(getattr(video_models, name)().detector)
    assert goes_together(detector)
    roi_head = detector.roi_head
    bbox_head = roi_head.bbox_head[1] if name == 'tfan' else roi_head.bbox_head
    for part, step in (
        (detector.rpn_head, 'predict_by_feat'),
        (roi_head, 'predict_bbox'),
        (bbox_head, 'predict_by_feat'),
        (bbox_head, 'regress_by_class'),
    ):
        kind = type(part)
        part.__class__ = type('Own', (kind,), {step: lambda self: None})
        assert not goes_together(detector)
        part.__class__ = kind
    assert goes_together(detector)
    assert makes_usual_masks(roi_head) == (name == 'masktrack_rcnn')
    for nms in (None, dict(type='soft_nms', iou_threshold=0.5)):
        roi_head.test_cfg = dict(roi_head.test_cfg, nms=nms)
        assert not goes_together(detector)


@torch.no_grad()
def test_a_cascade_that_moves_boxes_by_class():
    """The boxes that mmdet finds in each frame; of one nothing is proposed."""
    init_default_scope('mmvis')
    torch.manual_seed(0)
    detector = tiny_config('tiny/tfan_tiny_synthvis.py').model.detector
    config = detector.roi_head
    for part in config.bbox_head:
        part.reg_class_agnostic = False
    config.update(train_cfg=detector.train_cfg.rcnn, test_cfg=detector.test_cfg.rcnn)
    config.test_cfg.update(score_thr=0.12, max_per_img=6)
    head = MODELS.build(config).eval()
    for part in head.bbox_head:
        torch.nn.init.normal_(part.fc_cls.weight, std=0.3)
        torch.nn.init.normal_(part.fc_reg.weight, std=0.1)
    feats = tuple(torch.randn(3, 64, 96 // s, 160 // s) for s in (4, 8, 16, 32))
    corner = torch.rand(19, 2) * 60
    boxes = torch.cat([corner, corner + 15 + 20 * torch.rand(19, 2)], dim=1)
    proposals = boxes.split([8, 0, 11])
    metainfo = clip_sample(1)[0].metainfo
    found, counts = boxes_of_frames(head, feats, metainfo, bbox2roi(list(proposals)))
    assert counts[0] > 2 and counts[1] == 0 and counts[2] > 2
    head.test_cfg.max_per_img = -1  # all
    assert boxes_of_frames(head, feats, metainfo, bbox2roi(list(proposals)))[1][0] > 6
    head.test_cfg.max_per_img = 6
    for t, own in enumerate(found.bboxes.split(counts)):
        (wanted,) = head.predict_bbox(
            tuple(level[t : t + 1] for level in feats),
            [metainfo],
            [InstanceData(bboxes=proposals[t])],
            rcnn_test_cfg=head.test_cfg,
        )
        torch.testing.assert_close(own, wanted.bboxes, atol=1e-3, rtol=1e-4)
        assert torch.equal(found.labels.split(counts)[t], wanted.labels)
    assert found.frame.tolist() == [0] * counts[0] + [2] * counts[2]


@torch.no_grad()
@pytest.mark.parametrize('sigmoid', [True, False])
@pytest.mark.parametrize('what', ['scores', 'places'])
def test_proposals_that_are_no_numbers_spoil_no_others(what, sigmoid, monkeypatch):
    """A corner of the second frame is damaged, or nothing is seen there."""
    head = copy.deepcopy(video_models.tfan().detector.rpn_head)
    head.use_sigmoid_cls = sigmoid
    head.test_cfg.update(nms_pre=-1, max_per_img=-1)
    generator = torch.Generator().manual_seed(0)
    maps = {
        name: [
            torch.randn(2, 3 * size, 96 // s, 160 // s, generator=generator)
            for s in (4, 8, 16, 32)
        ]
        for name, size in (('scores', 1 if sigmoid else 2), ('places', 4))
    }
    monkeypatch.setattr(head, 'forward', lambda feats: tuple(maps.values()))
    feats, metainfo = maps['scores'], clip_sample(1)[0].metainfo
    for level in maps['scores']:
        level[1, :, -1, -4:] = -60.0
        if not sigmoid:
            level[1, 1::2, -1, -4:] = 60.0
    wanted, counts = proposals_of_frames(head, feats, metainfo)
    for level in maps[what]:
        level[1, :, -1, -4:] = torch.nan
    found, left = proposals_of_frames(head, feats, metainfo)
    assert counts[0] == left[0] > 10 and 10 < left[1] < counts[1]
    # Of equal scores either may come first.
    rows = [
        sorted(torch.column_stack([p.frame, p.scores, p.bboxes]).tolist())
        for p in (found, wanted[wanted.scores > 1e-20])
    ]
    torch.testing.assert_close(*map(torch.tensor, rows))
