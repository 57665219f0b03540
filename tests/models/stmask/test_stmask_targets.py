"""Positive anchors of a batch of clips, against loops."""

import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.structures import InstanceData
from object_clips import CLASSES, clips

from mmvis.models.stmask.targets import assign_targets
from mmvis.registry import TASK_UTILS


class StoredAssigner:
    """Gives what it was told, and keeps what it was asked."""

    def __init__(self, gt_inds):
        self.gt_inds, self.asked = list(gt_inds), []

    def assign(self, pred_instances, gt_instances, gt_instances_ignore=None):
        self.asked.append((pred_instances, gt_instances, gt_instances_ignore))
        gt_inds = torch.tensor(self.gt_inds.pop(0))
        return AssignResult(len(gt_instances), gt_inds, gt_inds * 0.0, None)


def test_an_assigners_result_becomes_labels_and_positives():
    frames = clips(('a', [1, 2, 3], []), ('b', [7], [7, 1]))
    frames[2].ignored_instances = InstanceData(bboxes=torch.zeros(1, 4))
    gt_inds = [[0, 3, -1, 1, 3], [0, -1, 0, 0, 0], [1, 0, 0, 0, -1], [2, 1, 1, 2, 2]]
    logits = torch.randn(4, 5, CLASSES + 1, requires_grad=True)
    anchors = torch.rand(5, 4)
    assigner = StoredAssigner(gt_inds)
    targets = assign_targets(assigner, anchors, logits, frames)

    rows, labels, first = [], [], 0
    for n, (sample, inds) in enumerate(zip(frames, gt_inds, strict=True)):
        known = sample.gt_instances.labels.tolist()
        special = {-1: -1, 0: CLASSES}
        labels.append([special.get(k, known[k - 1] if k > 0 else None) for k in inds])
        count = sum(k > 0 for k in inds)
        rows += [(n, a, first + k - 1, 1 / count) for a, k in enumerate(inds) if k > 0]
        first += len(known)
    assert targets.labels.tolist() == labels
    for name, values in zip(
        ('frame', 'anchor', 'gt', 'weights'), zip(*rows, strict=True), strict=True
    ):
        assert getattr(targets, name).tolist() == pytest.approx(values)
    for n, (pred, gt, ignored) in enumerate(assigner.asked):
        assert torch.equal(pred.priors, anchors) and torch.equal(pred.logits, logits[n])
        assert not pred.logits.requires_grad
        assert gt is frames[n].gt_instances
        assert (ignored is None) == (n != 2)


@pytest.mark.parametrize('kind', ['MaxIoUAssigner', 'ClassAwareAssigner'])
def test_frames_without_objects_are_background(kind):
    config = dict(type=kind, pos_iou_thr=0.5, neg_iou_thr=0.4)
    frames = clips(('a', [], [1, 2]), ('b', [], []))
    anchors = torch.rand(60, 2).repeat(1, 2) * 14
    anchors[:, 2:] += 4
    targets = assign_targets(
        TASK_UTILS.build(config), anchors, torch.randn(4, 60, CLASSES + 1), frames
    )
    assert (targets.labels[[0, 2, 3]] == CLASSES).all()
    assert set(targets.frame.tolist()) == {1}
    assert set(targets.gt.tolist()) == {0, 1}
    assert targets.weights.sum().item() == pytest.approx(1)
