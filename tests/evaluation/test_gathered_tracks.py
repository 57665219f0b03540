"""What is summed up frame by frame is what all frames at once give."""

import numpy as np
import pytest

from mmvis.evaluation.video_tracks import VideoTracks
from mmvis.structures.rle import decode_masks, encode_masks

SIZE, FRAMES, TRACKS, CLASSES = (12, 20), 40, 4, 3


def frames(soft: bool, objectness: bool) -> list[dict]:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(FRAMES):
        ids = np.flatnonzero(rng.random(TRACKS) < 0.8)
        instances = dict(
            scores=rng.random(len(ids)).astype(np.float32),
            labels=rng.integers(0, CLASSES, len(ids)),
            instances_id=ids,
            # Some have no pixel.
            masks=rng.random((len(ids), *SIZE))
            < rng.choice([0, 0.3], (len(ids), 1, 1)),
        )
        if soft:
            scores = rng.random((len(ids), CLASSES)).astype(np.float32)
            instances['class_scores'] = scores
        if objectness:
            instances['objectness'] = rng.random(len(ids)).astype(np.float32)
        found.append(instances)
    return found


@pytest.mark.parametrize('limit', [50, float('inf')])
@pytest.mark.parametrize(
    ('soft', 'objectness'), [(False, False), (True, False), (True, True)]
)
def test_sums_are_those_of_all_frames(soft, objectness, limit):
    found = frames(soft, objectness)
    tracks = VideoTracks('v', None, SIZE, limit)
    for frame, instances in enumerate(found):
        tracks.add_frame(frame, instances)
    results = tracks.to_results()
    assert results['length'] == FRAMES and len(results['tracks']) == TRACKS
    for track in results['tracks']:
        rows = [
            (
                frame,
                instances,
                int(np.flatnonzero(instances['instances_id'] == track['id'])[0]),
            )
            for frame, instances in enumerate(found)
            if track['id'] in instances['instances_id']
        ]

        def of(name, rows=rows) -> np.ndarray:
            return np.array([instances[name][row] for _, instances, row in rows])

        if soft:
            label = of('class_scores').astype(float).sum(0).argmax()
        else:
            label = max(
                range(CLASSES),
                key=lambda c: (
                    (of('labels') == c).sum(),
                    of('scores')[of('labels') == c].astype(float).sum(),
                ),
            )
        scores = of('scores').astype(float)
        if objectness:
            scores = of('class_scores')[:, label].astype(float) * of('objectness')
        assert track['label'] == label
        assert track['score'] == pytest.approx(scores.mean(), abs=1e-14)
        shown = {frame: instances['masks'][row] for frame, instances, row in rows}
        for frame, counts in enumerate(track['counts']):
            mask = shown.get(frame, np.zeros(SIZE, bool))
            assert (counts is None) == (not mask.any())
            if counts is not None:
                rle = dict(size=list(SIZE), counts=counts)
                assert (decode_masks([rle], *SIZE)[0] == mask).all()


def test_a_track_that_never_has_a_pixel_is_left_out():
    tracks = VideoTracks(1, None, SIZE)
    nothing = encode_masks(np.zeros((1, *SIZE), bool))
    for frame in range(3):
        instances = dict(scores=[1.0], labels=[0], instances_id=[5], masks=nothing)
        tracks.add_frame(frame, instances)
    assert tracks.to_results()['tracks'] == []


def test_of_labels_as_frequent_the_one_of_higher_sum():
    tracks = VideoTracks(1, None, SIZE)
    mask = encode_masks(np.ones((1, *SIZE), bool))
    for frame, (label, score) in enumerate([(0, 0.5), (2, 0.2), (2, 0.3), (0, 0.1)]):
        instances = dict(scores=[score], labels=[label], instances_id=[5], masks=mask)
        tracks.add_frame(frame, instances)
    (track,) = tracks.without_counts()
    assert track == dict(id=5, label=0, score=pytest.approx(0.275))


@pytest.mark.parametrize('score', [0.3, 0.7, 0.9])
def test_the_mean_of_equal_scores_is_that_score(score):
    """Or what has the lowest score that is asked for would be left out."""
    tracks = VideoTracks(1, None, SIZE)
    mask = encode_masks(np.ones((1, *SIZE), bool))
    for frame in range(40):
        instances = dict(scores=[score], labels=[0], instances_id=[5], masks=mask)
        tracks.add_frame(frame, instances)
        assert tracks.without_counts()[0]['score'] == score
