import pickle

import numpy as np
import pytest
import torch
from clip_factory import make_clip

from mmvis.datasets.transforms import PackVISInputs


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
