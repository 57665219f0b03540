"""Ids for masks from anywhere: no network, and neither torch nor mmdet is imported.

The floor plan, in the order in which the masks of a frame go through it.

    masks.py         arrays, run lengths and polygons as boxes and small outlines
    looks.py         looks that need no network: colours
    motion.py        where tracks are expected
    settings.py      what may follow what, and what counts
    sole.py          pairs that nothing rivals
    association.py   which mask goes on with which track
    track_table.py   what is remembered: a row a track
    tracker.py       MaskTracker: masks of a frame in, ids out
"""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .looks import colour_looks
    from .masks import Outlines
    from .settings import AssociationSettings
    from .tracker import MaskTracker
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'AssociationSettings',
    'MaskTracker',
    'Outlines',
    'colour_looks',
]
