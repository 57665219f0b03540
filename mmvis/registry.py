"""Registries of mmvis: children of mmdet's, in the scope ``mmvis``.

A name that mmvis does not register resolves to mmdet's, then mmengine's, so that a
config with ``default_scope = 'mmvis'`` uses all three without prefixes. Where names are
equal (``YouTubeVISDataset``) mmvis's wins; ``mmdet.YouTubeVISDataset`` is the other.
"""

import contextlib
import io
import warnings

from mmdet import registry as _mmdet
from mmengine.registry import Registry


def _child(name: str, room: str = 'engine') -> Registry:
    """The child of mmdet's registry ``name``, filled by importing mmvis.``room``."""
    parent = getattr(_mmdet, name)
    # A lookup that ends in a parent finds only what has been imported there by then.
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        # Some of mmdet's modules miss packages that none of ours needs, and say so.
        warnings.filterwarnings('ignore', message='faster_coco_eval')
        parent.import_from_location()
    for line in said.getvalue().splitlines():
        if 'Could not import OneDL' not in line:
            print(line)
    return Registry(
        parent.name, parent=parent, scope='mmvis', locations=[f'mmvis.{room}']
    )


DATASETS = _child('DATASETS', 'datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
MODELS = _child('MODELS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models')
METRICS = _child('METRICS', 'evaluation')
VISUALIZERS = _child('VISUALIZERS', 'visualization')
HOOKS = _child('HOOKS')

# Nothing of ours is in these; without them mmengine warns that it does not find the
# scope whenever it builds one of their entries.
EVALUATOR = _child('EVALUATOR', 'evaluation')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
LOOPS = _child('LOOPS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
RUNNERS = _child('RUNNERS')
VISBACKENDS = _child('VISBACKENDS', 'visualization')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
