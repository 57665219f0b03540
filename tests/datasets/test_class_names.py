"""The public lists against their sizes and mmdet's copy of them."""

import pytest
from mmdet.datasets import YouTubeVISDataset as MMDetYouTubeVISDataset
from mmengine.config import Config
from model_factory import CONFIGS

from mmvis.datasets import (
    OVIS_CLASSES,
    YTVIS_2019_CLASSES,
    YTVIS_2021_CLASSES,
    YTVIS_2022_CLASSES,
)
from mmvis.datasets.class_names import match_categories, same_category


@pytest.mark.parametrize(
    ('version', 'classes'), [('2019', YTVIS_2019_CLASSES), ('2021', YTVIS_2021_CLASSES)]
)
def test_lists_are_those_of_mmdet(version, classes, monkeypatch):
    monkeypatch.setattr(MMDetYouTubeVISDataset, 'METAINFO', {})
    MMDetYouTubeVISDataset.set_dataset_classes(version)
    assert classes == MMDetYouTubeVISDataset.METAINFO['classes']


def test_the_joint_config_lists_the_same():
    path = CONFIGS / '_base_/datasets/youtube_vis_2019_coco.py'
    assert tuple(Config.fromfile(str(path)).classes) == YTVIS_2019_CLASSES


def test_sizes():
    assert len(set(OVIS_CLASSES)) == len(OVIS_CLASSES) == 25
    assert YTVIS_2022_CLASSES == YTVIS_2021_CLASSES


def test_spellings_of_a_category():
    spellings = ('Giant_panda', 'giant panda', 'giant-Panda', ' giant  panda')
    assert len({same_category(name) for name in spellings}) == 1
    assert same_category('panda') != same_category('giant_panda')


def test_an_exact_name_wins_over_a_similar_one():
    assert match_categories('f', ('Dog', 'dog'), {'dog': 4, 'Dog': 9}) == [9, 4]
    with pytest.raises(ValueError, match='DOG'):
        match_categories('f', ('DOG',), {'dog': 4, 'Dog': 9})
