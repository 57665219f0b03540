"""Registries of mmvis: children of mmdet's, in the scope ``mmvis``.

A name that mmvis does not register resolves to mmdet's, then mmengine's, so that a
config with ``default_scope = 'mmvis'`` uses all three without prefixes. Where the names
are equal (``YouTubeVISDataset``) mmvis's wins; ``mmdet.YouTubeVISDataset`` names the other.
"""

from mmdet import registry as _mmdet
from mmengine.registry import Registry

DATASETS = Registry(
    'dataset', parent=_mmdet.DATASETS, scope='mmvis', locations=['mmvis.datasets']
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=_mmdet.DATA_SAMPLERS,
    scope='mmvis',
    locations=['mmvis.datasets'],
)
TRANSFORMS = Registry(
    'transform',
    parent=_mmdet.TRANSFORMS,
    scope='mmvis',
    locations=['mmvis.datasets.transforms'],
)
MODELS = Registry(
    'model', parent=_mmdet.MODELS, scope='mmvis', locations=['mmvis.models']
)
TASK_UTILS = Registry(
    'task util', parent=_mmdet.TASK_UTILS, scope='mmvis', locations=['mmvis.models']
)
METRICS = Registry(
    'metric', parent=_mmdet.METRICS, scope='mmvis', locations=['mmvis.evaluation']
)
HOOKS = Registry('hook', parent=_mmdet.HOOKS, scope='mmvis', locations=['mmvis.engine'])
VISUALIZERS = Registry(
    'visualizer',
    parent=_mmdet.VISUALIZERS,
    scope='mmvis',
    locations=['mmvis.visualization'],
)
