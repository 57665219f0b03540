"""Beside the ground truth, a right track looks like its object."""

import json

import cv2
import numpy as np
import pytest
from data_factory import make_vis_dataset

from mmvis.structures.annotation_file import read_annotation_file
from mmvis.structures.rle import encode_masks
from mmvis.visualization.colours import id_colour
from mmvis.visualization.matched_colours import colour_by_objects
from mmvis.visualization.render import VideoRenderer, render_results
from mmvis.visualization.video_tracks import DrawnTrack

FRAMES, SIZE = 8, (40, 60)


def track(track_id, boxes, frames=range(FRAMES), score=None):
    """A track of boxes (y0, y1, x0, x1), one for all frames or one a frame."""
    masks = np.zeros((FRAMES, *SIZE), bool)
    for t in frames:
        y0, y1, x0, x1 = boxes if isinstance(boxes, tuple) else boxes[t]
        masks[t, y0:y1, x0:x1] = True
    rles = [
        rle if m.any() else None
        for rle, m in zip(encode_masks(masks), masks, strict=True)
    ]
    return DrawnTrack(track_id, 0, score, rles)


def colours(predicted, truth):
    return [id_colour(t.colour) for t in colour_by_objects(predicted, truth)]


def seen_difference(one, other):
    """Distance in CIELAB of two BGR colours."""
    both = np.array([[one, other]], np.uint8).astype(np.float32) / 255
    return np.linalg.norm(np.subtract(*cv2.cvtColor(both, cv2.COLOR_BGR2LAB)[0]))


LEFT, RIGHT = (5, 25, 5, 25), (5, 25, 35, 55)


def test_pixels_of_a_right_track_are_those_of_its_object(tmp_path, monkeypatch):
    vis_set = make_vis_dataset(tmp_path, lengths=(6, 4))
    results = []
    for ann in vis_set.content['annotations']:
        shared = {k: ann[k] for k in ('video_id', 'category_id')}
        masks, half = ann['segmentations'], len(ann['segmentations']) // 2
        if ann['id'] == 1:  # the second half of it is another track
            rest, masks = [None] * half + masks[half:], masks[:half] + [None] * half
            results.append(shared | dict(score=0.95, segmentations=rest))
        # The later an object, the better its score: ranks are not the order of ids.
        results.append(shared | dict(score=0.5 + ann['id'] / 10, segmentations=masks))
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    frames = {}
    monkeypatch.setattr(
        VideoRenderer,
        'write_joined_mp4',
        lambda self, videos, *_: frames.update(
            {video['id']: list(self.frames(video)) for video in videos}
        ),
    )
    images = str(vis_set.root / vis_set.prefix)
    render_results(
        str(vis_set.ann_file), images, str(tmp_path / 'a.mp4'), str(path), compare=True
    )
    annotations = read_annotation_file(str(vis_set.ann_file))
    for ann in annotations.annotations:
        pictures = frames[ann['video_id']]
        for t, picture in enumerate(pictures):
            truth, found = np.hsplit(picture, 2)
            mask = vis_set.masks[ann['id']][t].astype(np.uint8)
            inner = cv2.erode(mask, np.ones((3, 3))).repeat(8, 0).repeat(8, 1) > 0
            same = (truth == found).all(-1)[inner].mean()
            # The second half is the larger or, if equal, has the higher score.
            if ann['id'] == 1 and t < len(pictures) // 2:
                assert same < 0.1
            else:
                assert same > 0.5  # a label may lie on a part


def test_the_best_of_several_has_the_colour():
    truth = [track(11, LEFT), track(12, RIGHT)]
    loose = track(1, (0, 30, 0, 30), score=0.9)
    tight = track(2, LEFT, score=0.3)
    found = colours([loose, tight], truth)
    assert found[1] == id_colour(11)
    assert found[0] not in (id_colour(11), id_colour(12))


def test_a_pair_of_high_iou_counts_more_than_the_sum():
    """A is best on the left, where B would be the better for the sum of both."""
    truth = [track(11, LEFT), track(12, (5, 25, 25, 45))]
    first = track(1, (5, 25, 5, 31))  # IoU 0.77 and 0.18
    second = track(2, (5, 25, 5, 34))  # 0.69 and 0.29
    assert colours([first, second], truth) == [id_colour(11), id_colour(12)]
    assert colours([second, first], truth) == [id_colour(12), id_colour(11)]


def test_a_short_right_track_is_its_objects():
    truth = [track(11, LEFT), track(12, RIGHT)]
    short = track(1, LEFT, frames=[6])  # IoU 0.125
    shorter = track(2, (5, 7, 35, 55), frames=[6])  # 0.0125, but all of it on it
    assert colours([short, shorter], truth) == [id_colour(11), id_colour(12)]


@pytest.mark.parametrize('number', [1, 5, 12])
def test_what_is_on_no_object_looks_like_none(number):
    truth = [track(i, (2, 10, 2, 10)) for i in range(40, 40 + number)]
    grazing = track(1, (8, 40, 8, 60))
    away = [track(i, (30, 39, 30, 50)) for i in (2, 3)]
    found = colours([grazing, *away], truth)
    others = [id_colour(t.track_id) for t in truth]
    for i, colour in enumerate(found):
        for other in [*others, *found[:i]]:
            assert seen_difference(colour, other) > 11


def test_written_ids_stay():
    given = [track(1, RIGHT), track(2, LEFT)]
    coloured = colour_by_objects(given, [track(7, LEFT)])
    assert [t.track_id for t in coloured] == [1, 2]
    assert [t.colour_id for t in given] == [None, None]
    assert coloured[1].colour == 7


def test_nothing_to_match():
    assert colour_by_objects([], [track(1, LEFT)]) == []
    first, second = colours([track(1, LEFT), track(2, RIGHT)], [])
    assert seen_difference(first, second) > 30
    # Masks of another size match nothing; that they cannot be drawn is said there.
    other = DrawnTrack(3, 0, None, encode_masks(np.ones((FRAMES, 9, 9), bool)))
    assert colours([track(1, LEFT)], [other]) != [id_colour(3)]
