"""The tracker in numpy goes the way of the tracker in torch, with every setting."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.deploy.stmask import tracker_settings
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.runtime.embedding_tracker import EmbeddingTracker

sys.path.append(str(Path(__file__).parents[1] / 'models/trackers'))
from random_detections import draw

SETTINGS = [
    dict(),
    dict(conflict='new_id', num_frames_retain=2),
    dict(conflict='next_best', similarity='half_cosine', epsilon=1.0),
    dict(conflict='drop_duplicates', winner='score'),
    dict(conflict='optimal', match_weights=dict(bbox_iou=2.0, label=0.5)),
    dict(
        similarity='softmax',
        epsilon=-1.0,
        match_weights=dict(mask_iou=0.0, bbox_iou=2.0, label=1.0, score=1.0),
    ),
    dict(supplement=dict(num_frames=3, min_score=0.3), num_frames_retain=4),
    dict(supplement=dict(), min_score=0.4, min_mask_area=9, embedding_momentum=0.3),
    dict(num_frames_retain=None, supplement=dict(score_decay=0.5)),
]


@pytest.mark.parametrize('settings', SETTINGS)
def test_the_same_tracks(settings):
    theirs = EmbeddingMaskIoUTracker(**settings)
    ours = EmbeddingTracker(tracker_settings(theirs))
    memory, remembered = theirs.init_memory(), ours.init_memory()
    generator = torch.Generator().manual_seed(0)
    reported = 0
    for frame, count in enumerate([0, 5, 6, 0, 4, 7, 0, 0, 0, 6, 3]):
        if frame == 6:
            continue  # a frame that could not be read
        dets = draw(count, generator)
        if count > 3:
            dets.scores[1] = torch.nan
            dets.embeddings[2] = torch.inf
        if len(memory):
            moved = memory['bboxes'] + 1
            theirs.propagate(memory, bboxes=moved)
            remembered.fields['bboxes'] = remembered.fields['bboxes'] + 1
        given = {name: value.numpy() for name, value in dets.items()}
        expected = theirs.track(dets, memory, frame)
        found = ours.track(given, remembered, frame)
        assert found['ids'].tolist() == expected.instances_id.tolist()
        for name in given:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
        reported += len(expected)
        assert remembered.next_id == memory.next_id
        if len(memory):
            assert remembered.ids.tolist() == memory.ids.tolist()
    assert reported >= 12
