"""The scripts of SynthVIS: one for each attribute, and ordinary motion around them."""

import numpy as np

from . import motion
from .fixed_point import Stream
from .scene import ATTRIBUTES, Preset, Scene, Stage, category_order


def _ordinary_radius(stage: Stage) -> int:
    draw = stage.stream.below(100)
    if draw < 56:
        return stage.size(95, 140)
    return stage.size(160, 225) if draw < 90 else stage.size(75, 95)


def _ordinary_path(stage: Stage, radius: int) -> np.ndarray:
    """Drifts, curves, turns suddenly, enters or leaves."""
    stream = stage.stream
    kind = stream.pick(('linear', 'curved', 'curved', 'sudden', 'enter', 'leave'))
    start = stage.inside(radius)
    stop = stage.near(start, stage.size(200, 800), radius)
    if kind == 'linear':
        return motion.polyline(stage.ticks, (start, stop), (0, 100))
    if kind == 'curved':
        bow = stream.sign() * stage.size(80, 260)
        return motion.curved(stage.ticks, start, stop, bow)
    if kind == 'sudden':
        first = stream.between(25, 40)
        second = stream.between(60, 75)
        turns = [start]
        for _ in range(3):
            turns.append(stage.near(turns[-1], stage.size(150, 350), radius))
        return motion.polyline(stage.ticks, turns, (0, first, second, 100))
    edge = -2 * radius if start[0] < stage.width // 2 else stage.width + 2 * radius
    outside = (edge, start[1])
    if kind == 'enter':
        begin = stream.between(0, 25)
        return motion.polyline(stage.ticks, (outside, start), (begin, 100))
    return motion.polyline(stage.ticks, (start, outside), (0, stream.between(75, 100)))


def _ordinary(stage: Stage) -> None:
    """An object without a task, on the path that meets the fewest others."""
    radius = _ordinary_radius(stage)
    paths = [_ordinary_path(stage, radius) for _ in range(6)]
    meetings = [stage.meetings(path, radius) for path in paths]
    stage.add_object(paths[meetings.index(min(meetings))], radius)


def _crossing(
    stage: Stage, first: int, second: int, touch: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Two paths that meet in the middle of the video, and cross or turn back there."""
    stream = stage.stream
    reach = max(first, second)
    y = stream.between(reach, stage.height - reach)
    x = stage.width // 2 + stream.between(-stage.width // 8, stage.width // 8)
    rise = stream.between(-stage.height // 4, stage.height // 4)
    shift = stream.sign() * reach * stream.between(5, 55) // 100
    left, right = reach + stage.size(10, 120), stage.width - reach - stage.size(10, 120)
    low = min(max(y - rise, reach), stage.height - reach)
    high = min(max(y + rise, reach), stage.height - reach)
    when = stream.between(40, 60)
    if touch:
        gap = reach * stream.between(35, 75) // 100
        one = ((left, low), (x - gap, y), (left, high))
        two = ((right, high), (x + gap, y + shift), (right, low))
    else:
        one = ((left, low), (x, y), (right, high))
        two = ((right, low), (x, y + shift), (left, high))
    times = (0, when, 100)
    return (
        motion.polyline(stage.ticks, one, times),
        motion.polyline(stage.ticks, two, times),
    )


def _twins(stage: Stage) -> None:
    radius = stage.size(95, 140)
    other = radius * stage.stream.between(95, 105) // 100
    touch = stage.stream.chance(35)
    paths = _crossing(stage, radius, other, touch)
    stage.twins = (len(stage.objects), len(stage.objects) + 1)
    twin = stage.add_object(paths[0], radius)
    stage.add_object(paths[1], other, twin)


def _occlusion(stage: Stage) -> None:
    stream = stage.stream
    if stream.chance(50):
        first, second = stage.size(95, 140), stage.size(130, 190)
        paths = _crossing(stage, first, second, touch=False)
        stage.add_object(paths[0], first)
        stage.add_object(paths[1], second)
        return
    radius = stage.size(95, 150)
    path, _ = _crossing(stage, radius, radius, touch=False)
    stage.add_object(path, radius)
    x, y = (int(c) for c in path[stage.ticks // 2])
    if stream.chance(50):
        stage.add_post(x, radius * stream.between(40, 75) // 100)
    else:
        stage.add_boulder((x, y + radius // 4), radius * stream.between(70, 105) // 100)


def _reenter(stage: Stage) -> None:
    stream, radius = stage.stream, stage.size(85, 120)
    home, back = stage.inside(radius * 5 // 4), stage.inside(radius * 5 // 4)
    if stream.chance(30):
        # Behind a post that is wider than the object.
        stage.calm_camera = True
        x = stage.width // 2 + stream.between(-stage.width // 6, stage.width // 6)
        y = (home[1] + back[1]) // 2
        ends = ((radius * 2, y), (x, y), (stage.width - radius * 2, back[1]))
        stage.add_post(x, radius * 3 // 2)
        path = motion.polyline(stage.ticks, ends, (0, 50, 100))
    else:
        beyond = radius * 2
        side = stream.below(3)
        outside = (
            (-beyond, home[1]),
            (stage.width + beyond, home[1]),
            (home[0], stage.height + beyond),
        )[side]
        gone = stream.between(28, 42)
        again = gone + stream.between(12, 22)
        path = motion.polyline(
            stage.ticks, (home, outside, outside, back), (0, gone, again, 95)
        )
    stage.add_object(path, radius)


def _bouncing(stage: Stage, radius: int, percent: int) -> None:
    """An object that moves ``percent`` of its radius a frame, off the frame's walls."""
    stream = stage.stream
    speed = radius * percent // 100
    slant = speed * stream.between(15, 60) // 100
    path = motion.bounce(
        stage.ticks,
        stage.inside(radius * 6 // 5),
        (stream.sign() * speed, stream.sign() * slant),
        (radius * 6 // 5, radius * 6 // 5),
        (stage.width - radius * 6 // 5, stage.height - radius * 6 // 5),
    )
    stage.add_object(path, radius)


def _fast(stage: Stage) -> None:
    _bouncing(stage, stage.size(80, 115), stage.stream.between(95, 125))


def _blur(stage: Stage) -> None:
    stage.shutter = stage.stream.pick((10, 12, 14))
    _bouncing(stage, stage.size(95, 135), stage.stream.between(58, 72))


def _scale(stage: Stage) -> None:
    stream = stage.stream
    near, far = stage.size(155, 190), stage.size(75, 95)
    margin = near * 5 // 4
    ends = (stage.inside(margin), stage.inside(margin))
    path = motion.polyline(stage.ticks, ends, (0, 100))
    kind = stream.pick(('approach', 'recede', 'swell'))
    if kind == 'approach':
        radius = motion.ramp(stage.ticks, far, near)
    elif kind == 'recede':
        radius = motion.ramp(stage.ticks, near, far)
    else:
        radius = motion.swell(stage.ticks, far, near)
    stage.add_object(path, radius)


def _small(stage: Stage) -> None:
    radius = stage.size(55, 66)
    start, stop = stage.inside(2 * radius), stage.inside(2 * radius)
    bow = stage.stream.sign() * stage.size(40, 160)
    stage.add_object(motion.curved(stage.ticks, start, stop, bow), radius)


_SCRIPTS = {
    'occlusion': _occlusion,
    'blur': _blur,
    'twins': _twins,
    'fast': _fast,
    'reenter': _reenter,
    'scale': _scale,
    'small': _small,
}


def planned_attributes(index: int) -> tuple[str, ...]:
    """The two attributes that video ``index`` is written for.

    They go round with the index, so that every attribute has its script in at least
    three of the first twelve videos, and in two of any twelve in a row.
    """
    count = len(ATTRIBUTES)
    first = index % count
    second = (first + 1 + (index // count) % (count - 1)) % count
    return tuple(ATTRIBUTES[i] for i in sorted((first, second)))


def plan_scene(split_stream: Stream, index: int, attempt: int, preset: Preset) -> Scene:
    """Plan a video.

    Args:
        split_stream: The split's source of randomness.
        index: The video's place in the split.
        attempt: Number of plans that were thrown away before.
        preset: Frame size.
    """
    stream = split_stream.fork('video', index, attempt)
    length = split_stream.fork('length', index).between(24, 36)
    categories = category_order(split_stream, index, preset.categories)
    stage = Stage(stream, preset, length, categories)
    planned = planned_attributes(index)
    for attribute in planned:
        _SCRIPTS[attribute](stage)
    for _ in range(stream.between(2, 5) - len(stage.objects)):
        _ordinary(stage)
    if not stage.statics and stream.chance(35):
        if stream.chance(50):
            stage.add_post(stage.inside(0)[0], stage.size(25, 45))
        else:
            places = [stage.inside(0) for _ in range(6)]
            radius = stage.size(50, 100)
            paths = [motion.polyline(stage.ticks, (p,), (0,)) for p in places]
            meetings = [stage.meetings(path, radius) for path in paths]
            stage.add_boulder(places[meetings.index(min(meetings))], radius)
    return stage.finish(preset, planned)
