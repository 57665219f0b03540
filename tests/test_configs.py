"""Every config parses, names only what exists, and builds."""

import pickle
import re
from collections import Counter
from pathlib import Path
from typing import Any

import mmdet
import pytest
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.datasets import CocoDataset
from mmengine.config import Config
from mmengine.registry import init_default_scope
from model_configs import Networks, build_on_meta, parsed

from mmvis import datasets, registry
from mmvis.datasets.synth_vis.scene import PRESETS

ROOT = Path(__file__).resolve().parents[1]
ALL = sorted((ROOT / 'configs').rglob('*.py'))
RUNNABLE = [path for path in ALL if '_base_' not in path.parts]

# Where a ``type`` is looked up, by the key that holds the dict or the list of dicts.
REGISTRY_OF = {
    'model': registry.MODELS,
    'dataset': registry.DATASETS,
    'sampler': registry.DATA_SAMPLERS,
    'pipeline': registry.TRANSFORMS,
    'transforms': registry.TRANSFORMS,
    'val_evaluator': registry.METRICS,
    'test_evaluator': registry.METRICS,
    'custom_hooks': registry.HOOKS,
    'visualizer': registry.VISUALIZERS,
    'vis_backends': registry.VISBACKENDS,
    'optim_wrapper': registry.OPTIM_WRAPPERS,
    'optimizer': registry.OPTIMIZERS,
    'param_scheduler': registry.PARAM_SCHEDULERS,
    'train_cfg': registry.LOOPS,
    'val_cfg': registry.LOOPS,
    'test_cfg': registry.LOOPS,
    'log_processor': registry.LOG_PROCESSORS,
}


NETWORKS = Networks()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope='module')
def configs() -> dict[Path, Config]:
    """The runnable configs, parsed once: mmdet's bases take their time."""
    return {path: parsed(path) for path in RUNNABLE}


def test_names_are_unique_for_mim():
    """mim looks for a bare name in the whole tree and gives up when it is there twice.

    An environment inside the checkout is part of that tree: mmdet's configs count.
    """
    theirs = Path(mmdet.__file__).parent.glob('.mim/configs/**/*.py')
    names = Counter(path.name for path in ALL)
    twice = [name for name, count in names.items() if count > 1]
    assert not twice
    assert not {path.name for path in RUNNABLE} & {path.name for path in theirs}
    folders = (path for path in ROOT.iterdir() if not path.name.startswith('.'))
    everywhere = Counter(path.name for f in folders for path in f.rglob('*.py'))
    assert not [path.name for path in RUNNABLE if everywhere[path.name] > 1]


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_scope_and_weights(configs, path):
    config = configs[path]
    assert config.default_scope == 'mmvis'
    assert 'torchvision://' not in repr(config.to_dict())
    assert 'custom_imports' not in config
    hooks = {hook['type'] for hook in config.custom_hooks}
    assert 'NonFiniteLossHook' in hooks


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_types_resolve(configs, path):
    config = configs[path]
    missing = []

    def visit(key: str, node: Any) -> None:
        if isinstance(node, (list, tuple)):
            for entry in node:
                visit(key, entry)
        if not isinstance(node, dict):
            return
        known = REGISTRY_OF.get(key)
        if known and isinstance(node.get('type'), str) and not known.get(node['type']):
            missing.append(f'{key}: {node["type"]}')
        for name, entry in node.items():
            visit(name, entry)

    for key, node in config.items():
        if key != 'model':
            visit(key, node)
    for hook in config.default_hooks.values():
        visit('custom_hooks', hook)
    assert not missing


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_model_builds(configs, path):
    """On the meta device, which costs neither memory nor time for weights.

    Frozen stages and fixed statistics are for pretrained weights only.
    """
    config = configs[path].model
    from_scratch = {'tiny', 'bench'} & set(path.parts)
    if from_scratch:
        assert "'checkpoint'" not in repr(config)
        settings = re.findall(r"'(frozen_stages|norm_eval)': (\w+|-1)", repr(config))
        assert set(settings) <= {('frozen_stages', '-1'), ('norm_eval', 'False')}
    if not NETWORKS.is_new(path, config):
        return
    model = build_on_meta(config)
    assert sum(parameter.numel() for parameter in model.parameters()) > 0
    strays = {
        type(module)
        for module in model.modules()
        for parameter in module.parameters(recurse=False)
        if not parameter.is_meta
    }
    # mmcv's deformable convolutions make their weights in a way that no device reaches.
    deformable = (DeformConv2d, ModulatedDeformConv2d)
    assert all(issubclass(stray, deformable) for stray in strays)
    fixed = [n for n, p in model.named_parameters() if not p.requires_grad]
    assert not (from_scratch and fixed)


# Classes of the data sets, by the folders that configs read them from.
CLASSES_IN = {
    'data/youtube_vis_2019/': len(datasets.YTVIS_2019_CLASSES),
    'data/youtube_vis_2021/': len(datasets.YTVIS_2021_CLASSES),
    'data/youtube_vis_2022/': len(datasets.YTVIS_2022_CLASSES),
    'data/ovis/': len(datasets.OVIS_CLASSES),
    'data/coco/': len(CocoDataset.METAINFO['classes']),
    'data/synth_vis/tiny/': len(PRESETS['tiny'].categories),
    'data/synth_vis/bench/': len(PRESETS['bench'].categories),
}


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_heads_and_data_fit(configs, path):
    """Heads have the classes of the set; clips are tested, key frames trained."""
    config = configs[path]
    data_root = config.test_dataloader.dataset.data_root
    heads = set(map(int, re.findall(r"'num_classes': (\d+)", repr(config.model))))
    assert len(heads) <= 1
    assert heads <= {CLASSES_IN.get(data_root, *heads)}
    for part in ('val_dataloader', 'test_dataloader'):
        if config.get(part) is not None:
            assert config[part].dataset.test_mode
            assert config[part].sampler.type == 'ClipSampler'
            assert config[part].batch_size == 1
    assert "'test_mode': True" not in repr(config.train_dataloader)
    assert config.train_dataloader.sampler.type.endswith('KeyFrameSampler')


# The data sets of model-index.yml by the folders that they are trained from.
DATA_OF = {
    'data/youtube_vis_2019/': 'youtube-vis 2019',
    'data/youtube_vis_2021/': 'youtube-vis 2021',
    'data/ovis/': 'ovis',
    'data/coco/': 'coco',
    'data/synth_vis/tiny/': 'synthvis',
    'data/synth_vis/bench/': 'synthvis',
    'data/videos/': 'own videos',
}
LISTED = {path.stem: path for path in RUNNABLE if 'ablations' not in path.parts}


@pytest.fixture(scope='module')
def listed() -> dict[str, dict]:
    """What ``mim search mmvis`` shows, by config name."""
    modelindex = pytest.importorskip('modelindex.load_model_index')
    search = pytest.importorskip('mim.commands.search')
    index = modelindex.load(str(ROOT / 'model-index.yml'))
    assert index.check(silent=True) == []
    table = search.convert2df(index)
    assert not table.index.duplicated().any()
    return {name: row.dropna().to_dict() for name, row in table.iterrows()}


def test_mim_lists_every_config_but_ablations(listed):
    paths = {name: ROOT / row['config'] for name, row in listed.items()}
    assert paths == LISTED


@pytest.mark.parametrize('name', LISTED)
def test_what_mim_lists_is_so(configs, listed, name):
    """Model, training data, weights and paper, held against config and page."""
    row, config = listed[name], configs[LISTED[name]]
    model = config.model.type.lower()
    assert re.sub('[ -]', '', row['model']) == model
    roots = set(re.findall(r"'data_root': '(.*?)'", repr(config.train_dataloader)))
    assert set(row['training_data'].split(',')) == {DATA_OF[root] for root in roots}
    assert row.get('weight', config.load_from) == config.load_from
    page = ' '.join((ROOT / 'configs/metafiles' / row['readme']).read_text().split())
    if model != 'trackbysegmentation':  # the one that is no paper
        assert all(part in page for part in row['paper'].split(','))


def unread(node: Any) -> Any:
    """The config of a data set, and of those inside of it, that reads no file now."""
    if isinstance(node, list):
        return [unread(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    node = {key: unread(value) for key, value in node.items()}
    if 'Dataset' in str(node.get('type', '')):
        node['lazy_init'] = True
    return node


@pytest.fixture(scope='module')
def sent() -> set[str]:
    """Data sets that another config had."""
    return set()


@pytest.mark.parametrize('path', RUNNABLE, ids=name_of)
def test_data_workers_need_not_be_forked(configs, path, sent):
    """What a spawned one is sent can be sent."""
    init_default_scope('mmvis')
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = configs[path].get(key)
        if loader is None or repr(loader.dataset) in sent:
            continue
        sent.add(repr(loader.dataset))
        dataset = registry.DATASETS.build(unread(loader.dataset.to_dict()))
        again = pickle.loads(pickle.dumps(dataset))
        assert type(again) is type(dataset)
        steps = repr(getattr(dataset, 'pipeline', None))
        assert repr(getattr(again, 'pipeline', None)) == steps
