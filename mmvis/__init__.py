"""mmvis: video instance segmentation for OpenMMLab.

Importing it looks at which dependencies are installed, without importing them. Models,
data sets and the like register when a registry is first asked, for which a config's
``default_scope = 'mmvis'`` or ``mmvis.registry`` is enough.
"""

from typing import TYPE_CHECKING

from .dependencies import check_installation
from .lazy_names import lazy_names
from .version import __version__

check_installation()

if TYPE_CHECKING:
    from . import datasets, engine, evaluation, models, visualization
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    '__version__',
    'datasets',
    'engine',
    'evaluation',
    'models',
    'visualization',
]
