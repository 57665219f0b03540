"""The first videos of SynthVIS' tiny valid split, each made once."""

from functools import cache

from mmvis.datasets.synth_vis import VERSION, generate_video
from mmvis.datasets.synth_vis.video import render_scene

COUNT = 12


@cache
def scene_of(index: int):
    """Scene, masks and what was measured of them."""
    return render_scene(VERSION, 'valid', 1, index)


@cache
def video_of(index: int):
    """Frames, masks and record."""
    return generate_video(VERSION, 'valid', 1, index)
