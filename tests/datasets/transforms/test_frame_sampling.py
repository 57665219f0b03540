from collections import Counter

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmvis.datasets.transforms import PackVISInputs, RefFrameSample
from mmvis.registry import TRANSFORMS


def video(length, key=None, ids=None):
    """Frame i shows the instances ids[i], those below 0 being ignored."""
    ids = ids or [[1]] * length
    images = [
        dict(
            frame_id=i,
            img_id=100 + i,
            instances=[dict(instance_id=abs(n), ignore_flag=int(n < 0)) for n in shown],
        )
        for i, shown in enumerate(ids)
    ]
    item = dict(video_id=3, video_length=length, images=images)
    if key is not None:
        item['key_frame_id'] = key
    return item


def split(results):
    flags = results['key_frame_flags']
    (key,) = (f for f, k in zip(results['frame_id'], flags, strict=True) if k)
    return key, [f for f, k in zip(results['frame_id'], flags, strict=True) if not k]


@pytest.mark.parametrize('frame_range', [5, [-5, 5], (-2, 3), [-4, 0], None])
@pytest.mark.parametrize('num_ref', [1, 2, 7])
def test_references_are_in_the_range_and_the_frames_in_order(frame_range, num_ref):
    sample = RefFrameSample(num_ref_imgs=num_ref, frame_range=frame_range)
    low, high = (
        (-99, 99)
        if frame_range is None
        else (-frame_range, frame_range)
        if isinstance(frame_range, int)
        else frame_range
    )
    for seed in range(60):
        np.random.seed(seed)
        length = 1 + seed % 12
        wanted = seed % length
        results = sample(video(length, wanted))
        key, references = split(results)
        assert key == wanted and len(references) == num_ref
        assert results['frame_id'] == sorted(results['frame_id'])
        others = [f for f in range(length) if f != key and low <= f - key <= high]
        assert set(references) <= set(others or [key])
        # Repeated only when there are not enough others.
        assert len(set(references)) == min(num_ref, len(others)) or not others
        assert results['video_length'] == [num_ref + 1] * (num_ref + 1)
        assert results['ori_video_length'] == [length] * (num_ref + 1)


def test_gaps_are_uniform():
    np.random.seed(0)
    sample = RefFrameSample()
    gaps = Counter()
    for _ in range(4000):
        key, (reference,) = split(sample(video(11, 5)))
        gaps[reference - key] += 1
    assert sorted(gaps) == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]
    # 400 expected each, standard deviation 19.
    assert all(300 < n < 500 for n in gaps.values())


def test_seed_decides_key_and_reference():
    sample = RefFrameSample(num_ref_imgs=2)

    def draw(seed):
        np.random.seed(seed)
        return [split(sample(video(20))) for _ in range(5)]

    assert draw(1) == draw(1) != draw(2)


def test_common_instance_is_preferred_not_required():
    #          0    1    2         3     4
    ids = [[1], [2], [1, 2], [-1, 3], [4]]
    sample = RefFrameSample(require_common_instance=True)
    references = {
        key: {split(sample(video(5, key, ids)))[1][0] for _ in range(40)}
        for key in range(5)
    }
    assert references[0] == {2}  # frame 3 shows 1 as an ignored instance
    assert references[1] == {2}
    assert references[2] == {0, 1}
    assert references[3] == {0, 1, 2, 4} and references[4] == {0, 1, 2, 3}
    # With more references than frames that share one, the others follow.
    sample = RefFrameSample(num_ref_imgs=3, require_common_instance=True)
    for _ in range(20):
        assert {0, 1} < set(split(sample(video(5, 2, ids)))[1])


def test_one_frame_video_has_one_key_and_one_reference():
    results = RefFrameSample(frame_range=[-5, 5])(video(1))
    assert results['frame_id'] == [0, 0]
    assert results['key_frame_flags'] == [True, False]
    results['img'] = [np.zeros((4, 6, 3), np.uint8)] * 2
    sample = PackVISInputs()(results)['data_samples']
    assert len(sample.get_key_frames()) == len(sample.get_ref_frames()) == 1
    assert sample.get_ref_frames()[0].frame_id == 0


def test_mmdets_entry_point_gives_the_same_kind_of_answer():
    frames, flags = RefFrameSample(num_ref_imgs=2).sampling_frames(8, 4)
    assert len(frames) == 3 and frames[flags.index(True)] == 4


def test_built_from_a_config():
    init_default_scope('mmvis')
    sample = TRANSFORMS.build(dict(type='RefFrameSample', frame_range=[-1, 1]))
    assert 'frame_range=[-1, 1]' in repr(sample)


def test_user_errors():
    with pytest.raises(ValueError, match='Video 3 has no frames'):
        RefFrameSample()(video(0))
    with pytest.raises(ValueError, match='Frame 9 of video 3'):
        RefFrameSample()(video(4, 9))
    with pytest.raises(ValueError, match='num_ref_imgs'):
        RefFrameSample(num_ref_imgs=0)
