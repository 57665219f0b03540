"""Video sets joined and rebalanced."""

import numpy as np
import pytest
from data_factory import VISSet, make_vis_dataset
from mmengine.dataset import BaseDataset

from mmvis.datasets import (
    KeyFrameSampler,
    VISClassBalancedDataset,
    VISConcatDataset,
)
from mmvis.registry import DATASETS


def keep(results):
    return results


def make(root, name, **kwargs) -> VISSet:
    (root / name).mkdir()
    return make_vis_dataset(root / name, **kwargs)


def cfg(vis_set, **kwargs) -> dict:
    return vis_set.dataset_cfg(pipeline=[keep], **kwargs)


def test_sets_with_other_ids_of_the_same_classes_are_joined(tmp_path):
    first = make(tmp_path, 'a', lengths=(2, 3))
    second = make(tmp_path, 'b', lengths=(4,), categories=((8, 'disc'), (5, 'box')))
    classes = dict(classes=('box', 'disc'))
    joined = DATASETS.build(
        dict(
            type='VISConcatDataset',
            datasets=[cfg(first, metainfo=classes), cfg(second, metainfo=classes)],
        )
    )
    assert len(joined) == 3
    assert joined.metainfo['classes'] == ('box', 'disc')
    assert [joined[2, f]['key_frame_id'] for f in range(4)] == [0, 1, 2, 3]
    assert joined[2]['video_length'] == 4
    assert joined.get_key_frames(2).tolist() == [0, 1, 2, 3]
    labels = [i['bbox_label'] for i in joined[2]['images'][0]['instances']]
    assert labels == [1, 0]


def test_sets_of_different_classes_are_refused(tmp_path):
    first = make(tmp_path, 'a')
    second = make(tmp_path, 'b', categories=((2, 'disc'), (1, 'box')))
    with pytest.raises(ValueError, match='box, disc / disc, box'):
        VISConcatDataset([cfg(first), cfg(second)])
    with pytest.raises(ValueError, match='test each set on its own'):
        VISConcatDataset([cfg(first, test_mode=True)])


def test_image_sets_take_part(tmp_path):
    """What has neither videos nor key frames counts as videos of one frame."""

    class Plain(BaseDataset):
        def load_data_list(self):
            return [dict(number=n) for n in range(3)]

    videos = make(tmp_path, 'a', lengths=(2,))
    plain = Plain(pipeline=[keep], metainfo=dict(classes=('box', 'disc')))
    joined = VISConcatDataset([cfg(videos), plain])
    drawn = sorted(KeyFrameSampler(joined, seed=0))
    assert drawn == [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]
    assert joined[3, 0]['number'] == 2


def test_rare_categories_are_repeated(tmp_path):
    vis_set = make(tmp_path, 'a', lengths=(2,) * 9, objects=1)
    vis_set.content['annotations'][4]['category_id'] = 2
    vis_set.write()
    balanced = VISClassBalancedDataset(cfg(vis_set), oversample_thr=1.0)
    # LVIS: repeat factor sqrt(threshold / share of videos), rounded up.
    rare, common = int(np.ceil(np.sqrt(9))), int(np.ceil(np.sqrt(9 / 8)))
    expected = [v for v in range(9) for _ in range(rare if v == 4 else common)]
    assert [balanced[i, 1]['sample_idx'] for i in range(len(balanced))] == expected
    drawn = sorted(KeyFrameSampler(balanced, seed=0))
    assert drawn == [(i, f) for i in range(len(expected)) for f in (0, 1)]
