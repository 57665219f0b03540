"""Labels and scores of InstanceFlow's tracks: votes over all frames."""

import pytest
import torch
from tracked_instances import instances

from mmvis.evaluation.video_tracks import VideoTracks
from mmvis.models.instance_flow.tracker import InstanceFlowTracker
from mmvis.structures.frame_result import FrameResult


def test_labels_are_the_best_so_far_and_the_final_one_is_the_metrics():
    generator = torch.Generator().manual_seed(0)
    tracker = InstanceFlowTracker(epsilon=10.0)
    memory, tracks = tracker.init_memory(), VideoTracks(0, 12, (2, 2))
    sums, last = torch.zeros(2, 3, dtype=torch.float64), {}
    for frame_id in range(12):
        # The second one hides in frames 4 to 6, and comes back for frame 0's sake.
        num = 1 if 4 <= frame_id < 7 else 2
        scores = torch.rand(num, 3, generator=generator).softmax(1)
        dets = instances(num, scores.tolist())
        table = torch.full((2, 2), 99.0).fill_diagonal_(1.0)[:num]
        distances = [table[:, reference.ids] for reference in memory.references]
        result = tracker.track(dets, distances, memory, frame_id)
        assert result.instances_id.tolist() == list(range(num))
        sums[:num] += dets.class_scores
        assert torch.equal(result.labels, sums[:num].argmax(1))
        assert torch.equal(result.class_scores, dets.class_scores)
        result.masks = torch.ones(num, 2, 2, dtype=torch.bool)
        tracks.add_frame(frame_id, result)
        last.update(zip(range(num), result.labels.tolist(), strict=True))
    found = [track['label'] for track in tracks.to_results()['tracks']]
    assert found == [last[0], last[1]]


def test_a_first_guess_is_outvoted():
    tracker = InstanceFlowTracker(epsilon=10.0)
    memory = tracker.init_memory()
    votes, labels = ([0.6, 0.4], [0.3, 0.7], [0.7, 0.3], [0.0, 1.0]), []
    for frame_id, scores in enumerate(votes):
        distances = [torch.tensor([[1.0]]) for _ in memory.references]
        result = tracker.track(instances(1, [scores]), distances, memory, frame_id)
        labels.append(result.labels.item())
    assert labels == [0, 1, 0, 1]
    torch.testing.assert_close(memory.votes, torch.tensor([[1.6, 2.4]]))


@pytest.mark.parametrize(
    ('score', 'wanted'),
    [('instance', [0.54, 0.35]), ('semantic', [0.6, 0.7]), ('center', [0.9, 0.5])],
)
def test_scores(score, wanted):
    tracker = InstanceFlowTracker(score=score)
    dets = instances(2, [[0.6, 0.1], [0.2, 0.7]])
    result = tracker.track(dets, [], tracker.init_memory(), 0)
    torch.testing.assert_close(result.scores, torch.tensor(wanted))


def test_the_semantic_score_is_that_of_the_tracks_label():
    tracker = InstanceFlowTracker(score='semantic')
    memory = tracker.init_memory()
    tracker.track(instances(1, [[0.9, 0.1]]), [], memory, 0)
    result = tracker.track(
        instances(1, [[0.4, 0.6]]), [torch.tensor([[0.0]])], memory, 1
    )
    assert result.labels.tolist() == [0]
    assert result.scores.tolist() == pytest.approx([0.4])


@pytest.mark.parametrize(
    ('score', 'wanted'),
    # By hand: class 1 has 0.1 + 0.9 + 0.8 of the votes, class 0 0.9 + 0.1 + 0.2.
    [
        ('semantic', (0.1 + 0.9 + 0.8) / 3),
        ('instance', (0.1 * 0.9 + 0.9 * 0.5 + 0.8 * 0.7) / 3),
        ('center', (0.9 + 0.5 + 0.7) / 3),
    ],
)
def test_a_track_is_scored_by_its_final_label_in_every_frame(score, wanted):
    tracker = InstanceFlowTracker(score=score)
    memory, tracks = tracker.init_memory(), VideoTracks(0, 3, (2, 2))
    frames = zip([0.9, 0.5, 0.7], [[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]], strict=True)
    for t, (center, scores) in enumerate(frames):
        dets = instances(1, [scores])
        dets.center_scores = torch.tensor([center])
        distances = [torch.zeros(1, 1) for _ in memory.references]
        result = tracker.track(dets, distances, memory, t)
        result.masks = torch.ones(1, 2, 2, dtype=torch.bool)
        result.bboxes = torch.tensor([[0.0, 0, 2, 2]])
        # Through what the inferencer keeps of a frame.
        kept = FrameResult.from_instances(t, (2, 2), result)[[0]]
        tracks.add_frame(t, kept.to_tracks())
    (track,) = tracks.to_results()['tracks']
    assert track['label'] == 1
    assert track['score'] == pytest.approx(wanted)
