"""Objects and positive anchors of a batch of clips, against loops."""

import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.stmask.targets import assign_targets
from mmvis.registry import TASK_UTILS

CPU = torch.device('cpu')
CLASSES = 5


def frame(ids, video=None, seed=0):
    """A frame of 20 x 30 pixels with objects of these ids."""
    generator = torch.Generator().manual_seed(seed)
    count = len(ids)
    low = torch.rand(count, 2, generator=generator) * 12
    masks = torch.rand(count, 20, 30, generator=generator) > 0.5
    sample = DetDataSample(metainfo={} if video is None else dict(video_id=video))
    sample.gt_instances = InstanceData(
        bboxes=torch.cat([low, low + 3 + low.flip(1) / 2], 1),
        labels=torch.randint(CLASSES, (count,), generator=generator),
        instances_ids=torch.tensor(ids, dtype=torch.long),
        masks=BitmapMasks(list(masks.numpy().astype('uint8')), 20, 30),
    )
    return sample


def clips(*videos_and_ids):
    """Frames of clips, each a video and the ids of both frames."""
    return [
        frame(ids, video, seed=10 * i + t)
        for i, (video, *pair) in enumerate(videos_and_ids)
        for t, ids in enumerate(pair)
    ]


CASES = [
    clips(('a', [1, 2, 3], [2, 3, 4]), ('b', [7], [7, 1])),
    clips(('a', [5, 3], [3, 5]), ('a', [3], [5]), ('b', [3, 5], [5])),
    clips(('a', [], [1]), ('b', [2], []), ('c', [1, 2], [2])),
    clips((4, [0, 1], [1]), (4.5, [0], [0])),
    clips(('a', [], []), ('b', [], [])),
]


@pytest.mark.parametrize('frames', CASES)
def test_objects_are_found_again_in_the_second_frame_of_their_clip(frames):
    objects = BatchObjects.gather(frames, CPU)
    places = [(n, i) for n, f in enumerate(frames) for i in range(len(f.gt_instances))]
    assert objects.frame.tolist() == [n for n, _ in places]
    assert objects.masks.shape == (len(places), 20, 30)
    assert objects.masks.dtype == torch.uint8
    following = objects.in_next_frame().tolist()
    assert len(following) == len(places)
    for g, (n, i) in enumerate(places):
        gt = frames[n].gt_instances
        assert torch.equal(objects.bboxes[g], gt.bboxes[i])
        assert objects.labels[g] == gt.labels[i]
        assert (objects.masks[g].numpy() == gt.masks.masks[i]).all()
        ids = frames[n + 1].gt_instances.instances_ids.tolist() if n % 2 == 0 else []
        own = int(gt.instances_ids[i])
        expected = places.index((n + 1, ids.index(own))) if own in ids else -1
        assert following[g] == expected


@pytest.mark.parametrize('length', [1, 2, 3])
@pytest.mark.parametrize('frames', CASES)
def test_objects_are_found_again_one_frame_earlier(frames, length):
    objects = BatchObjects.gather(frames, CPU)
    places = [(n, i) for n, f in enumerate(frames) for i in range(len(f.gt_instances))]
    found = objects.in_previous_frame(length).tolist()
    assert len(found) == len(places)
    for g, (n, i) in enumerate(places):
        expected = -1
        if n % length:
            for h, (m, j) in enumerate(places):
                one, two = frames[n], frames[m]
                same = one.video_id == two.video_id and m == n - 1
                ids = one.gt_instances.instances_ids, two.gt_instances.instances_ids
                if same and ids[0][i] == ids[1][j]:
                    expected = h
        assert found[g] == expected


@pytest.mark.parametrize('frames', CASES)
def test_ids_are_equal_for_one_object_of_one_video_only(frames):
    ids = BatchObjects.gather(frames, CPU).ids.tolist()
    names = [(f.video_id, int(i)) for f in frames for i in f.gt_instances.instances_ids]
    for one, name in zip(ids, names, strict=True):
        for other, other_name in zip(ids, names, strict=True):
            assert (one == other) == (name == other_name)


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
