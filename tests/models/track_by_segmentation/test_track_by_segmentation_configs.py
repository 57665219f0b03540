"""Configs of public segmentors: their weights, classes and inputs are mmdet's."""

from pathlib import Path

import mmdet
import mmengine
import pytest
from mmdet.datasets import CocoDataset
from model_configs import build_on_meta, load, name_of, parsed
from model_factory import CONFIGS

from mmvis.models.track_by_segmentation.segmentor_config import (
    clip_preprocessor,
    segmentor_config,
)

PUBLIC = sorted((CONFIGS / 'track_by_segmentation').glob('*.py'))
MMDET = Path(mmdet.__file__).parent / '.mim' / 'configs'


def test_there_are_families():
    assert len({parsed(p).model.detector.config for p in PUBLIC}) >= 4


@pytest.mark.parametrize('path', PUBLIC, ids=name_of)
def test_weights_classes_and_inputs(path):
    config = parsed(path)
    name = config.model.detector.config.removeprefix('mmdet::')
    trained = name
    if '2021' in path.stem:
        trained = 'mask2former_vis/mask2former_r50_8xb2-8e_youtubevis2021.py'
    table = mmengine.load(MMDET / trained.split('/')[0] / 'metafile.yml')
    entries = table['Models'] if isinstance(table, dict) else table
    (weights,) = [m['Weights'] for m in entries if m['Config'] == f'configs/{trained}']
    # A mirror may hold the same file.
    assert config.load_from.split('/')[3:] == weights.split('/')[3:]

    theirs = load(MMDET / name).model
    own = segmentor_config(config.model.detector)
    settings = clip_preprocessor(own.data_preprocessor)
    for key in ('mean', 'std', 'bgr_to_rgb'):
        assert settings[key] == theirs.data_preprocessor[key]
    assert settings['pad_mask']
    assert settings['pad_size_divisor'] == 32
    if 'ytvis' in path.stem:
        return
    classes = config.test_dataloader.dataset.metainfo.classes
    assert tuple(classes) == CocoDataset.METAINFO['classes']
    theirs.backbone.init_cfg = None
    shapes = [
        {name: tensor.shape for name, tensor in net.state_dict().items()}
        for net in (build_on_meta(config.model).detector, build_on_meta(theirs))
    ]
    assert shapes[0] == shapes[1]


def test_settings_are_merged_over_those_of_the_config(tmp_path):
    file = tmp_path / 'segmentor.py'
    file.write_text(
        "model = dict(type='A', depth=1, head=dict(width=2, kernel=3), "
        "data_preprocessor=dict(type='P', mean=[1], batch_augments=[2], mask_stride=4))"
    )
    given = dict(config=str(file), depth=5, head=dict(width=4))
    merged = segmentor_config(given)
    theirs = merged.pop('data_preprocessor')
    assert merged == dict(type='A', depth=5, head=dict(width=4, kernel=3))
    # Not what is of images in training; and padded, where that is left to the images.
    assert clip_preprocessor(theirs) == dict(
        type='TrackDataPreprocessor', mean=[1], pad_size_divisor=32
    )
    own_size = dict(type='P', pad_size_divisor=64)
    assert clip_preprocessor(own_size)['pad_size_divisor'] == 64
    assert given['config'] == str(file)
    assert segmentor_config(dict(type='A')) == dict(type='A')


def test_a_config_that_is_not_there_and_one_without_a_model(tmp_path):
    for name in ('mmdet::solov2/solov3.py', str(tmp_path / 'none.py')):
        with pytest.raises(FileNotFoundError, match='There is no config'):
            segmentor_config(dict(config=name))
    empty = tmp_path / 'empty.py'
    empty.write_text('depth = 1')
    with pytest.raises(ValueError, match='has no model'):
        segmentor_config(dict(config=str(empty)))
