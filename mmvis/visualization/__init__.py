"""Drawing of tracked masks, mp4 files, contact sheets, plots."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .draw import draw_tracks, id_colour
    from .video_writer import Mp4Writer
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = ['Mp4Writer', 'draw_tracks', 'id_colour']
