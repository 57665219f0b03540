"""Evaluation: the YouTube-VIS protocol, its metric for mmengine, submissions."""

from .evaluate_results import evaluate_results
from .submission import check_submission, write_submission
from .youtube_vis_metric import YouTubeVISMetric

__all__ = [
    'YouTubeVISMetric',
    'check_submission',
    'evaluate_results',
    'write_submission',
]
