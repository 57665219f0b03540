"""Evaluation: the YouTube-VIS protocol, its metric for mmengine, submissions."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

# Not lazy: the module would take the function's name when it is imported.
from .evaluate_results import evaluate_results

if TYPE_CHECKING:
    from .submission import check_submission, write_submission
    from .youtube_vis_metric import YouTubeVISMetric
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'YouTubeVISMetric',
    'check_submission',
    'evaluate_results',
    'write_submission',
]
