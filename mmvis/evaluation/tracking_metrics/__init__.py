"""HOTA, IDF1, MOTA and their like, computed by TrackEval's own code.

The floor plan.

    trackeval_package.py  the package, or a sentence that says how to get it
    sequences.py          annotations and results as TrackEval's metrics want them
    measure.py            numbers at a score, by class and attribute, and a sweep
    tables.py             as text
"""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .measure import TrackMetrics, track_metrics
    from .tables import format_track_metrics
    from .trackeval_package import has_trackeval
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'TrackMetrics',
    'format_track_metrics',
    'has_trackeval',
    'track_metrics',
]
