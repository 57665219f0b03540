"""Which of mmdet's detectors are computed for all frames of a chunk at once."""

import copy

import pytest
import video_models

from mmvis.models.common.chunk_rcnn import goes_together, makes_usual_masks


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
    roi_head.test_cfg = dict(roi_head.test_cfg, nms=None)
    assert not goes_together(detector)
