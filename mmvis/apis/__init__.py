"""Inference: videos and streams in, tracked instances out."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from mmvis.structures.frame_result import FrameResult

    from .config_names import find_config
    from .detections import Detections, open_detections
    from .frame_sources import FrameSource, open_source
    from .loading import load_model
    from .mask_inferencer import MaskInferencer
    from .video_result import VideoResult
    from .video_session import VideoSession
    from .vis_inferencer import VISInferencer
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'Detections',
    'FrameResult',
    'FrameSource',
    'MaskInferencer',
    'VISInferencer',
    'VideoResult',
    'VideoSession',
    'find_config',
    'load_model',
    'open_detections',
    'open_source',
]
