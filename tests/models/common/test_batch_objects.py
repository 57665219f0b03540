"""The objects of a batch of clips, and which are one in two frames, against loops."""

import pytest
import torch
from object_clips import clips

from mmvis.models.common.batch_objects import BatchObjects

CPU = torch.device('cpu')
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
