"""Merged files say of every frame and object what their sources say."""

import json

import numpy as np
import pycocotools.mask as mask_util
import pytest
from data_factory import make_vis_dataset

from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.merging import merge_annotation_files


def two_sets(tmp_path, **second):
    """Two sets whose categories have other ids, another order, and one more name."""
    sets = []
    for name, kwargs in (
        ('a', dict(categories=((1, 'box'), (2, 'disc')))),
        ('b', dict(categories=((7, 'disc'), (1, 'box'), (3, 'ring')), objects=3)),
    ):
        (tmp_path / name).mkdir()
        extra = second if name == 'b' else {}
        sets.append(
            make_vis_dataset(tmp_path / name, seed=len(sets), **kwargs, **extra)
        )
    return sets


def sources_of(sets):
    return [(str(s.ann_file), str(s.root / s.prefix)) for s in sets]


def test_merged_objects_keep_category_frames_and_masks(tmp_path):
    sets = two_sets(tmp_path, nulls={2: (1,)}, crowds=(1,))
    out = tmp_path / 'merged' / 'all.json'
    merge_annotation_files(sources_of(sets), tmp_path, out)
    merged = json.loads(out.read_text())

    names = {c['id']: c['name'] for c in merged['categories']}
    assert sorted(names.values()) == ['box', 'disc', 'ring']
    videos = {v['id']: v for v in merged['videos']}
    assert len(videos) == sum(len(s.content['videos']) for s in sets)
    # pycocotools takes a match with number 0 for none.
    ids = [annotation['id'] for annotation in merged['annotations']]
    assert sorted(set(ids)) == sorted(ids) and min(ids) > 0
    annotations = iter(merged['annotations'])
    for part in sets:
        old_names = {c['id']: c['name'] for c in part.content['categories']}
        old_videos = {v['id']: v for v in part.content['videos']}
        for old in part.content['annotations']:
            new = next(annotations)
            video = videos[new['video_id']]
            assert video['source_id'] == old['video_id']
            assert names[new['category_id']] == old_names[old['category_id']]
            assert new['iscrowd'] == old['iscrowd']
            wanted = [
                (part.root / part.prefix / f).read_bytes()
                for f in old_videos[old['video_id']]['file_names']
            ]
            assert [(tmp_path / f).read_bytes() for f in video['file_names']] == wanted
            for mask, truth in zip(
                new['segmentations'], part.masks[old['id']], strict=True
            ):
                if mask is None:
                    assert not truth.any()
                else:
                    np.testing.assert_array_equal(mask_util.decode(mask), truth)
    assert next(annotations, None) is None


def test_the_dataset_reads_it(tmp_path):
    sets = two_sets(tmp_path)
    merge_annotation_files(sources_of(sets), tmp_path, tmp_path / 'all.json')
    dataset = YouTubeVISDataset(
        data_root=str(tmp_path), ann_file='all.json', pipeline=[], test_mode=True
    )
    assert len(dataset) == 4
    assert dataset.metainfo['classes'] == ('box', 'disc', 'ring')


def test_sets_without_annotations(tmp_path):
    sets = two_sets(tmp_path, labelled=False)
    with pytest.raises(ValueError, match=r'b/instances.json has no annotations'):
        merge_annotation_files(sources_of(sets), tmp_path, tmp_path / 'all.json')
    merged = merge_annotation_files(
        sources_of(sets[1:]), tmp_path, tmp_path / 'all.json'
    )
    assert 'annotations' not in merged
    assert not (tmp_path / 'b' / 'all.json').exists()


def test_frames_in_the_root_itself_keep_their_names(tmp_path):
    (part, _) = two_sets(tmp_path)
    root = part.root / part.prefix
    merge_annotation_files([(str(part.ann_file), str(root))], root, tmp_path / 'm.json')
    names = [v['file_names'] for v in part.content['videos']]
    merged = json.loads((tmp_path / 'm.json').read_text())['videos']
    assert [v['file_names'] for v in merged] == names


def test_frames_outside_of_the_root_are_refused(tmp_path):
    sets = two_sets(tmp_path)
    with pytest.raises(ValueError, match='not below the root'):
        merge_annotation_files(
            sources_of(sets), tmp_path / 'a', tmp_path / 'a' / 'all.json'
        )
