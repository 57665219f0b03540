"""Drawing of tracked masks, mp4 files, contact sheets, plots."""

from .draw import draw_tracks, id_colour
from .video_writer import Mp4Writer

__all__ = ['Mp4Writer', 'draw_tracks', 'id_colour']
