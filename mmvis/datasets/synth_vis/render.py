"""From a planned scene to exact masks and to pixels."""

import numpy as np

from .effects import expose, light, samples, view
from .fixed_point import PIXEL
from .motion import frame_tick
from .scene import Scene, Thing
from .shapes import Cover, cover, outline
from .textures import background, paint

_NO_SHIFT = np.zeros((1, 2), dtype=np.int32)
_NOW = np.zeros(1, dtype=np.int32)


def _layers(scene: Scene) -> list[tuple[int, Thing]]:
    """Things from the farthest to the nearest; statics have index -1."""
    objects = [(index, scene.objects[index]) for index in scene.order]
    return objects + [(-1, thing) for thing in scene.statics]


def _cover(
    scene: Scene, thing: Thing, frame: int, shifts: np.ndarray, times: np.ndarray
) -> Cover | None:
    tick = frame_tick(frame)
    radii = outline(thing.template, thing.deformation, int(thing.radius[tick]), tick)
    at = tick + times
    centres = thing.path[at] - shifts
    return cover(
        radii,
        centres[:, 0],
        centres[:, 1],
        thing.angle[at],
        scene.preset.height,
        scene.preset.width,
    )


def amodal_masks(scene: Scene, frame: int) -> list[tuple[int, np.ndarray]]:
    """Whole masks of everything at a frame's time, the farthest first.

    Returns:
        (index of the object or -1 for a static thing, (H, W) bool) a thing. A pixel
        belongs to a thing when its centre lies within the outline.
    """
    size = (scene.preset.height, scene.preset.width)
    masks = []
    for index, thing in _layers(scene):
        mask = np.zeros(size, dtype=bool)
        area = _cover(scene, thing, frame, _NO_SHIFT, _NOW)
        if area is not None:
            mask[area.rows, area.columns] = area.inside[0]
        masks.append((index, mask))
    return masks


def render_masks(scene: Scene, min_pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Visible masks of all objects.

    Args:
        scene: The plan of N objects and T frames.
        min_pixels: An object that shows fewer pixels in a frame is absent from it.

    Returns:
        (N, T, H, W) bool, and (N, T) int64 areas that the objects would have within
        the frame if nothing were in front of them.
    """
    count, size = len(scene.objects), (scene.preset.height, scene.preset.width)
    masks = np.zeros((count, scene.length, *size), dtype=bool)
    amodal = np.zeros((count, scene.length), dtype=np.int64)
    for frame in range(scene.length):
        owner = np.full(size, -1, dtype=np.int8)
        for index, mask in amodal_masks(scene, frame):
            owner[mask] = index
            if index >= 0:
                amodal[index, frame] = np.count_nonzero(mask)
        masks[:, frame] = owner == np.arange(count)[:, None, None]
    masks &= (masks.sum((2, 3)) >= min_pixels)[..., None, None]
    return masks, amodal


def render_frames(scene: Scene) -> np.ndarray:
    """Pixels of all frames; (T, H, W, 3) uint8, BGR."""
    height, width = scene.preset.height, scene.preset.width
    canvas = background(
        scene.stream.fork('background'),
        height + 2 * scene.margin,
        width + 2 * scene.margin,
        height * PIXEL // 96,
    )
    grain = 9 * height * PIXEL // 96  # static things are rough at one scale
    gains = light(scene.length, scene.stream.fork('light'))
    shifts, times = samples(scene.shutter)
    frames = np.empty((scene.length, height, width, 3), dtype=np.uint8)
    for frame in range(scene.length):
        tick = frame_tick(frame)
        corners = [(x, y) for x, y in scene.camera[tick + times].tolist()]
        views = {c: view(canvas, *c, height, width) for c in set(corners)}
        layers = np.stack([views[c] for c in corners])
        for _, thing in _layers(scene):
            area = _cover(scene, thing, frame, shifts, times)
            if area is None:
                continue
            radius = grain if thing.category is None else thing.radius[tick]
            colours = paint(thing.look, area, int(radius))
            window = layers[:, area.rows, area.columns]
            np.copyto(window, colours, where=area.inside[..., None])
        frames[frame] = expose(layers, gains[frame])
    return frames


def smears(scene: Scene) -> np.ndarray:
    """How far objects move while the shutter is open.

    Returns:
        (N, T) int64, squared length in 1 / PIXEL^2 of a square pixel.
    """
    middle = frame_tick(0) + np.arange(scene.length) * (frame_tick(1) - frame_tick(0))
    half = scene.shutter // 2
    paths = np.stack([thing.path for thing in scene.objects])
    step = paths[:, middle + half - 1 if half else middle] - paths[:, middle - half]
    return (step**2).sum(-1)
