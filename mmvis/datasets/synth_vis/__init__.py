"""SynthVIS: a video instance segmentation benchmark that is generated from a seed.

The same bytes come out on every machine; docs/en/synth_vis.md describes it.
"""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .scene import ATTRIBUTES, PRESETS
    from .shapes import CATEGORIES
    from .video import VERSION, generate_video
    from .writer import SPLIT_SEEDS, write_split
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'ATTRIBUTES',
    'CATEGORIES',
    'PRESETS',
    'SPLIT_SEEDS',
    'VERSION',
    'generate_video',
    'write_split',
]
