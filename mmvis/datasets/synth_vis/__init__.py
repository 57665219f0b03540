"""SynthVIS: a video instance segmentation benchmark that is generated from a seed.

The same bytes come out on every machine; docs/en/synth_vis.md describes it.
"""

from .scene import ATTRIBUTES, PRESETS
from .shapes import CATEGORIES
from .video import VERSION, generate_video
from .writer import SPLIT_SEEDS, write_split

__all__ = [
    'ATTRIBUTES',
    'CATEGORIES',
    'PRESETS',
    'SPLIT_SEEDS',
    'VERSION',
    'generate_video',
    'write_split',
]
