"""Inference: videos and streams in, tracked instances out."""

from mmvis.structures.frame_result import FrameResult

from .frame_sources import FrameSource, open_source
from .loading import find_config, load_model
from .video_result import VideoResult
from .video_session import VideoSession
from .vis_inferencer import VISInferencer

__all__ = [
    'FrameResult',
    'FrameSource',
    'VISInferencer',
    'VideoResult',
    'VideoSession',
    'find_config',
    'load_model',
    'open_source',
]
