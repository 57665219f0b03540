"""Assignment of several frames at once against mmdet's, frame by frame."""

import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmengine.structures import InstanceData

from mmvis.models.stmask.batch_assignment import assign_together, assigns_together

STMASK = dict(
    pos_iou_thr=0.5, neg_iou_thr=0.4, ignore_iof_thr=0.5, gt_max_assign_all=False
)
SETTINGS = {
    'stmask': STMASK,
    'all_of_the_best': dict(STMASK, gt_max_assign_all=True),
    'some_of_the_best': dict(STMASK, min_pos_iou=0.3),
    'no_low_quality': dict(STMASK, match_low_quality=False),
    'range_of_negatives': dict(STMASK, neg_iou_thr=(0.1, 0.3)),
    'shares_of_the_ignored': dict(
        STMASK, ignore_wrt_candidates=False, ignore_iof_thr=0.2
    ),
    'nothing_ignored': dict(STMASK, ignore_iof_thr=-1),
}


def boxes(count, generator):
    """On a coarse grid, so that many overlap alike."""
    low = torch.randint(0, 6, (count, 2), generator=generator) * 4.0
    side = torch.randint(1, 5, (count, 2), generator=generator) * 4.0
    return torch.cat([low, low + side], dim=1)


@pytest.mark.parametrize('name', SETTINGS)
def test_is_mmdets(name):
    assigner, generator = MaxIoUAssigner(**SETTINGS[name]), torch.Generator()
    assert assigns_together(assigner)
    kinds = set()
    for seed in range(20):
        generator.manual_seed(seed)
        anchors = boxes(80, generator)
        objects = [boxes(n, generator) for n in (3, 0, 9, 1)]
        if seed == 0:
            objects = [own[:0] for own in objects]
        # The second frame has ignored objects alone.
        ignored = [boxes(n, generator) for n in (1, 2, 0, 3)]
        found = assign_together(assigner, anchors, objects, ignored)
        for own, other, gt_inds in zip(objects, ignored, found, strict=True):
            expected = assigner.assign(
                InstanceData(priors=anchors),
                InstanceData(bboxes=own, labels=torch.zeros(len(own)).long()),
                InstanceData(bboxes=other),
            ).gt_inds
            assert torch.equal(gt_inds, expected)
            kinds |= set(expected.clamp(max=2).tolist())
    assert kinds == {-1, 0, 1, 2}


@pytest.mark.parametrize(
    'settings', [dict(gpu_assign_thr=5), dict(perm_repeat_gt_cfg=dict(iou_thr=0.7))]
)
def test_what_goes_frame_by_frame(settings):
    assert not assigns_together(MaxIoUAssigner(**STMASK, **settings))
