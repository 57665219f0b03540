"""The tracker against eq. 3 written as loops, and on cases made by hand."""

import math

import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.models.masktrack_rcnn.tracker import MaskTrackRCNNTracker


def detections(boxes, embeddings, labels=None, scores=None) -> InstanceData:
    n, width = len(boxes), len(embeddings[0]) if embeddings else 1
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float).reshape(n, 4),
        embeddings=torch.tensor(embeddings, dtype=torch.float).reshape(n, width),
        labels=torch.tensor(labels or [0] * n, dtype=torch.long),
        scores=torch.tensor(scores or [0.9] * n, dtype=torch.float),
    )


def iou(a, b) -> float:
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return w * h / (sum(area) - w * h)


def plain_track(frame, tracks, next_id, weights=(1.0, 2.0, 10.0)):
    """One frame of eq. 3 in loops: ids (None where dropped), tracks, next_id."""
    boxes, embeddings = frame.bboxes.tolist(), frame.embeddings.tolist()
    labels, scores = frame.labels.tolist(), frame.scores.tolist()
    names = sorted(tracks)
    claims = []
    for i in range(len(boxes)):
        dots = [0.0] + [
            sum(p * q for p, q in zip(embeddings[i], tracks[name][1], strict=True))
            for name in names
        ]
        total = math.log(sum(math.exp(d) for d in dots))
        best = None
        for column, dot in enumerate(dots):
            if column:
                box, _, label = tracks[names[column - 1]]
                cues = weights[1] * iou(boxes[i], box)
                cues += weights[2] * (label == labels[i])
            else:
                cues = weights[2]
            value = dot - total + weights[0] * math.log(scores[i]) + cues
            if best is None or value > best[0]:
                best = (value, column)
        claims.append(best)
    ids = []
    for i, (value, column) in enumerate(claims):
        if not names or column == 0:
            ids.append(next_id)
            next_id += 1
            continue
        rivals = [v for j, (v, c) in enumerate(claims) if c == column and j != i]
        ids.append(names[column - 1] if all(value > v for v in rivals) else None)
    for i, name in enumerate(ids):
        if name is not None:
            tracks[name] = (boxes[i], embeddings[i], labels[i])
    return ids, next_id


@pytest.mark.parametrize('seed', range(8))
def test_equals_equation_3_in_loops(seed):
    generator = torch.Generator().manual_seed(seed)
    tracker = MaskTrackRCNNTracker(num_frames_retain=100)
    memory, tracks, next_id = tracker.init_memory(), {}, 0
    dropped = kept_old = 0
    for frame_id in range(12):
        n = int(torch.randint(0, 7, (1,), generator=generator))
        corner = torch.rand(n, 2, generator=generator) * 40
        size = torch.rand(n, 2, generator=generator) * 40 + 5
        frame = InstanceData(
            bboxes=torch.cat([corner, corner + size], 1),
            embeddings=torch.randn(n, 3, generator=generator) * 1.5,
            labels=torch.randint(0, 2, (n,), generator=generator),
            scores=torch.rand(n, generator=generator) * 0.9 + 0.05,
        )
        before = next_id
        expected, next_id = plain_track(frame, tracks, next_id)
        result = tracker.track(frame, memory, frame_id)
        wanted = [name for name in expected if name is not None]
        assert result.instances_id.tolist() == wanted
        assert memory.next_id == next_id
        dropped += len(expected) - len(wanted)
        kept_old += sum(name < before for name in wanted)
    assert kept_old > 0
    assert dropped > 0 or seed != 0


def test_crossing_look_alikes_follow_their_embeddings():
    tracker = MaskTrackRCNNTracker()
    memory = tracker.init_memory()
    left, right = [0, 0, 10, 10], [30, 0, 40, 10]
    first = tracker.track(detections([left, right], [[4, 0], [0, 4]]), memory, 0)
    assert first.instances_id.tolist() == [0, 1]
    crossed = tracker.track(detections([left, right], [[0, 4], [4, 0]]), memory, 1)
    assert crossed.instances_id.tolist() == [1, 0]


def test_a_track_claimed_twice_goes_to_the_higher_score_alone():
    tracker = MaskTrackRCNNTracker()
    memory = tracker.init_memory()
    box = [0, 0, 10, 10]
    tracker.track(detections([box], [[3.0]]), memory, 0)
    twice = detections([box, box], [[3.0], [3.0]], scores=[0.5, 0.8])
    result = tracker.track(twice, memory, 1)
    assert result.instances_id.tolist() == [0]
    assert result.scores.tolist() == pytest.approx([0.8])


def test_a_lost_object_comes_back_within_the_retained_frames_only():
    box, embedding = [[0, 0, 10, 10]], [[3.0]]
    for gap, expected in ((3, 0), (4, 1)):
        tracker = MaskTrackRCNNTracker(num_frames_retain=3)
        memory = tracker.init_memory()
        tracker.track(detections(box, embedding), memory, 0)
        for frame_id in range(1, gap):
            empty = tracker.track(detections([], []), memory, frame_id)
            assert len(empty) == 0
        result = tracker.track(detections(box, embedding), memory, gap)
        assert result.instances_id.tolist() == [expected]


def test_another_label_starts_a_new_track():
    tracker = MaskTrackRCNNTracker()
    memory = tracker.init_memory()
    box = [[0, 0, 10, 10]]
    tracker.track(detections(box, [[1.0]], labels=[0]), memory, 0)
    result = tracker.track(detections(box, [[1.0]], labels=[1]), memory, 1)
    assert result.instances_id.tolist() == [1]
