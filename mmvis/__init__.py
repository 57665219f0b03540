"""mmvis: video instance segmentation for OpenMMLab.

Importing it checks the dependencies and registers every module.
"""

from .dependencies import check_dependencies
from .version import __version__

check_dependencies()

from . import datasets, engine, evaluation, models, visualization  # noqa: E402

__all__ = [
    '__version__',
    'datasets',
    'engine',
    'evaluation',
    'models',
    'visualization',
]
