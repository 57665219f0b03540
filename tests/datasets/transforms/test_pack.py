import copy
import pickle

import numpy as np
import pytest
import torch
from clip_factory import make_clip
from mmdet.datasets.transforms import PackTrackInputs

from mmvis.datasets.transforms import VIS_META_KEYS, PackVISInputs
from mmvis.datasets.transforms.pack import stack_frames


@pytest.mark.parametrize('boxes', ['array', 'hbox'])
def test_targets_and_ignored_instances_are_told_apart(boxes):
    clip = make_clip(np.random.default_rng(0), frames=3, boxes=boxes)
    clip['gt_ignore_flags'][1][0] = True
    ids = [i.tolist() for i in clip['gt_instances_ids']]
    packed = PackVISInputs()(clip)
    assert packed['inputs'].shape == (3, 3, 72, 96)
    np.testing.assert_array_equal(
        packed['inputs'].permute(0, 2, 3, 1).numpy(), np.stack(clip['img'])
    )
    sample = packed['data_samples']
    assert sample.key_frames_inds == [2] and sample.ref_frames_inds == [0, 1]
    for frame in range(3):
        targets = sample[frame].gt_instances
        first = int(frame == 1)
        assert targets.instances_ids.tolist() == ids[frame][first:]
        assert targets.bboxes.shape == (len(ids[frame]) - first, 4)
        assert isinstance(targets.bboxes, torch.Tensor)
        assert targets.labels.dtype == targets.instances_ids.dtype == torch.int64
        assert len(targets.masks) == len(targets.bboxes)
    assert sample[1].ignored_instances.instances_ids.tolist() == ids[1][:1]


def test_meta_keys_without_raw_annotations_and_with_defaults():
    clip = make_clip(np.random.default_rng(0))
    secret = 'counts-that-must-not-travel'
    clip['instances'] = [[dict(mask=dict(counts=secret))]] * 2
    clip['mine'] = [1, 2]
    packed = PackVISInputs(meta_keys=['mine'])(clip)
    meta = packed['data_samples'][1].metainfo
    assert meta['mine'] == 2 and meta['video_id'] == 5 and meta['frame_id'] == 1
    assert meta['scale_factor'] == (1.0, 1.0)
    assert meta['flip'] is False and meta['flip_direction'] is None
    assert secret.encode() not in pickle.dumps(packed)


def test_frames_of_different_size_are_refused():
    clip = make_clip(np.random.default_rng(0))
    clip['img'][1] = clip['img'][1][:, :50]
    with pytest.raises(ValueError, match='video 5 differ in size'):
        PackVISInputs()(clip)


def test_clip_without_labels():
    clip = make_clip(np.random.default_rng(0))
    clip = {k: v for k, v in clip.items() if not k.startswith('gt_')}
    assert len(PackVISInputs()(clip)['data_samples']) == 2


@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_frames_of_any_layout_become_one_tensor(channels, dtype):
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 255, (12, 40, channels)).astype(dtype)
    layouts = {
        'plain': wide[:, :20].copy(),
        'cut': wide[:, 3:23],
        'flipped': wide[:, 19::-1],
        'upside down': wide[::-1, :20],
        'both': wide[::-1, 39:19:-1],
        'by columns': np.asfortranarray(wide[:, :20]),
        'reversed channels': wide[:, :20, ::-1],
    }
    frames = list(layouts.values())
    stacked = stack_frames(frames)
    assert stacked.is_contiguous() and stacked.shape == (7, channels, 12, 20)
    for name, frame, planes in zip(layouts, frames, stacked.numpy(), strict=True):
        np.testing.assert_array_equal(planes.transpose(1, 2, 0), frame, err_msg=name)


def test_what_is_packed_is_what_mmdet_packs():
    """Targets some of which are ignored, all of them, none, and no flags."""
    for case, key in enumerate(('some', 'all', 'none', 'no flags')):
        clip = make_clip(np.random.default_rng(case), frames=2, boxes='array')
        clip['gt_ignore_flags'] = [
            np.array([key == 'all' or (key == 'some' and row % 2 == 0) for row in ids])
            for ids in (range(len(i)) for i in clip['gt_instances_ids'])
        ]
        if key == 'no flags':
            del clip['gt_ignore_flags']
        ours = PackVISInputs()(copy.deepcopy(clip))
        clip |= dict(scale_factor=[(1.0, 1.0)] * 2, flip=[False] * 2)
        clip['flip_direction'] = [None] * 2
        theirs = PackTrackInputs(default_meta_keys=VIS_META_KEYS)(clip)
        assert torch.equal(ours['inputs'], theirs['inputs'])
        one, other = ours['data_samples'], theirs['data_samples']
        assert one.metainfo == other.metainfo and len(one) == len(other) == 2
        # By these names evaluators find the frames.
        assert one.keys() == other.keys() and 'video_data_samples' in one.to_dict()
        for a, b in zip(one, other, strict=True):
            assert a.metainfo == b.metainfo and a.keys() == b.keys()
            for name in a.keys():  # noqa: SIM118
                same_instances(a.get(name), b.get(name))


def same_instances(one, other) -> None:
    assert set(one.keys()) == set(other.keys())
    for name, value in one.items():
        wanted = other[name]
        if name == 'masks':
            assert (value.masks == wanted.masks).all()
            value, wanted = (torch.from_numpy(m.masks) for m in (value, wanted))
        assert value.dtype == wanted.dtype and torch.equal(value, wanted)
