"""Registries of mmvis: children of mmdet's, in the scope ``mmvis``.

A name that mmvis does not register resolves to mmdet's, then mmengine's, so that a
config with ``default_scope = 'mmvis'`` uses all three without prefixes. Where names are
equal (``YouTubeVISDataset``) mmvis's wins; ``mmdet.YouTubeVISDataset`` is the other.

A registry is filled when it is first asked for a name. mmengine imports this file for
whatever is built in the scope ``mmvis``, so that nothing else has to be imported first.
From here on checkpoints are read by mmvis's loader (``mmvis.engine.checkpoint``), and
mmengine's files are written whole (``mmvis.engine.whole_checkpoint``).
"""

from .dependencies import DependencyError, check_dependencies

try:
    check_dependencies()
except ImportError as broken:
    # Of an ImportError here mmengine says only that there is no mmvis.registry.
    raise DependencyError(str(broken)) from broken

from mmdet import registry as _mmdet
from mmengine.registry import Registry

from .engine import checkpoint as _checkpoint  # noqa: F401
from .engine import whole_checkpoint as _whole_checkpoint  # noqa: F401
from .quiet_mmdet import quiet_mmdet


class _FilledWithItsParent(Registry):
    """A registry that fills mmdet's before itself.

    A lookup that ends in a parent finds only what has been imported there by then.
    """

    def import_from_location(self) -> None:
        if self._imported:
            return
        with quiet_mmdet():
            self.parent.import_from_location()
        super().import_from_location()


def _child(name: str, *modules: str) -> Registry:
    """The child of mmdet's registry ``name``, filled by modules of mmvis."""
    parent = getattr(_mmdet, name)
    return _FilledWithItsParent(
        parent.name,
        parent=parent,
        scope='mmvis',
        locations=[f'mmvis.{module}' for module in modules],
    )


DATASETS = _child(
    'DATASETS',
    'datasets.youtube_vis',
    'datasets.coco_pseudo_video',
    'datasets.dataset_wrappers',
)
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets.samplers')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
MODELS = _child('MODELS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models')
METRICS = _child('METRICS', 'evaluation.youtube_vis_metric')
HOOKS = _child('HOOKS', 'engine.hooks')
LOOPS = _child('LOOPS', 'engine.loops')
RUNNERS = _child('RUNNERS', 'engine.runner')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'engine.pretrained_init')

# Nothing of ours is in these; without them mmengine warns that it does not find the
# scope whenever it builds one of their entries.
EVALUATOR = _child('EVALUATOR')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
VISBACKENDS = _child('VISBACKENDS')
VISUALIZERS = _child('VISUALIZERS')
