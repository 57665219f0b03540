"""How many classes a model gets: by the data, unless somebody said."""

import json
from types import SimpleNamespace

import pytest
from data_factory import make_vis_dataset
from model_configs import CONFIGS, build_on_meta, load

from mmvis.engine.class_count import (
    category_names,
    classes_of,
    is_explicit,
    set_num_classes,
    trained_classes,
)
from mmvis.engine.command_line import (
    fit_classes_to_data,
    fit_classes_to_weights,
    load_config,
)

CATEGORIES = ((7, 'dog'), (9, 'été 犬'), (2, 'cat'))


@pytest.fixture(scope='module')
def vis_set(tmp_path_factory):
    return make_vis_dataset(tmp_path_factory.mktemp('set'), categories=CATEGORIES)


def test_names_are_found_wherever_the_list_is(vis_set, tmp_path):
    names = tuple(name for _, name in CATEGORIES)
    assert category_names(str(vis_set.ann_file)) == names
    content = vis_set.content
    path = tmp_path / 'a.json'
    for order in (('categories', 'videos'), ('videos', 'categories')):
        text = json.dumps({key: content[key] for key in order}, indent=1)
        path.write_text(text, encoding='utf-8-sig')
        assert category_names(str(path)) == names
    # As long as an official file's: the window grows.
    many = [dict(id=n, name=f'name {n} ' + 'x' * 900) for n in range(200)]
    path.write_text(json.dumps(dict(categories=many, videos=[])))
    assert len(category_names(str(path))) == 200


@pytest.mark.parametrize(
    'text',
    [
        '',
        '{}',
        '{"categories": 3}',
        '{"categories": []}',
        '{"categories": [{"id": 1}]}',
        '{"categories": [{"id": 1, "name": "a"',
        '{"info": "\\"categories\\"", "a": {"categories": []}, "categories": []}',
    ],
)
def test_what_is_unclear_is_left_to_the_reader(text, tmp_path):
    (tmp_path / 'a.json').write_text(text)
    assert category_names(str(tmp_path / 'a.json')) is None
    assert category_names(str(tmp_path / 'none.json')) is None


def test_sets_in_wrappers_and_lists(vis_set):
    plain = vis_set.dataset_cfg()
    names = tuple(name for _, name in CATEGORIES)
    for dataset in (
        plain,
        dict(type='VISClassBalancedDataset', dataset=plain),
        dict(type='VISConcatDataset', datasets=[plain, plain]),
    ):
        assert classes_of(dataset) == names
    assert classes_of(dict(plain, metainfo=dict(classes=('cat',)))) == ('cat',)
    assert classes_of(dict(plain, metainfo=dict(classes='cat'))) == ('cat',)
    assert classes_of(dict(type='CocoPseudoVideoDataset', ann_file='x')) is None


def test_bases_are_defaults_and_all_else_is_a_choice(tmp_path):
    (tmp_path / '_base_').mkdir()
    (tmp_path / '_base_/model.py').write_text('model = dict(num_classes=8)')
    mine, child = tmp_path / 'mine.py', tmp_path / 'child.py'
    mine.write_text("_base_ = ['_base_/model.py']\nlr = 3")
    child.write_text("_base_ = './mine.py'")
    assert not is_explicit(str(child))
    assert is_explicit(str(child), ['model.bbox_head.num_classes'])
    assert not is_explicit(str(child), ['data_root'])
    mine.write_text("_base_ = ['_base_/model.py']\nmodel = dict(num_classes=3)")
    assert is_explicit(str(child)) and is_explicit(None)


@pytest.mark.parametrize(
    'name', sorted(p.name for p in CONFIGS.glob('tiny/*_videos.py'))
)
def test_every_model_gets_the_classes_of_the_data(name, vis_set):
    args = SimpleNamespace(
        config=str(CONFIGS / 'tiny' / name),
        cfg_options={'data_root': f'{vis_set.root}/'},
        launcher='none',
        local_rank=0,
        work_dir=None,
    )
    config = load_config(args)
    said = fit_classes_to_data(config, args)
    assert said.startswith('The model is made for 3 classes (the config has 8), those')
    assert 'dog, été 犬, cat' in said
    model = build_on_meta(config.model)
    counts = [getattr(m, 'num_classes', None) for m in model.modules()]
    assert 3 in counts and set(counts) <= {3, 1, None}  # 1: of a region proposal net
    args.cfg_options['model.any.num_classes'] = 5
    assert fit_classes_to_data(load_config(args), args) is None


def test_all_models_of_the_bases_have_one_number():
    for path in sorted((CONFIGS / '_base_/models').glob('*.py')):
        model = load(path).model
        if path.name != 'track_by_segmentation.py':  # its detector is another's
            assert set_num_classes(model, 3) in (8, 40), path.name
            assert set_num_classes(model, 3) is None


def test_weights_know_what_they_were_trained_for(tmp_path, monkeypatch):
    names = ['a', 'b']
    for meta in ({'dataset_meta': {'CLASSES': names}}, {'classes': names}):
        assert trained_classes({'meta': meta}) == ('a', 'b')
    for content in ({}, {'meta': None}, {'meta': {'dataset_meta': {'classes': 'ab'}}}):
        assert trained_classes(content) is None
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.CheckpointLoader.load_checkpoint',
        lambda *args, **kwargs: {'meta': {'dataset_meta': {'classes': names}}},
    )
    args = SimpleNamespace(
        config=str(CONFIGS / 'tiny/stmask_tiny_videos.py'),
        cfg_options=None,
        checkpoint='x.pth',
    )
    config = load(CONFIGS / 'tiny/stmask_tiny_videos.py')
    assert 'those of the weights x.pth: a, b' in fit_classes_to_weights(config, args)
    assert config.model.bbox_head.num_classes == 2
