"""What happens in a video: things, their paths and the camera, before any pixel.

Lengths are planned in 96ths of the frame's height, so that a scene has the same
proportions in every preset; they are stored in 1 / PIXEL of a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import motion
from .fixed_point import PIXEL, TURN, Stream
from .motion import TICKS
from .shapes import (
    CATEGORIES,
    DISTINCT_CATEGORIES,
    TEMPLATES,
    UNIT,
    Category,
    Deformation,
    boulder_template,
    post_template,
)
from .textures import Look, object_look, static_look

ATTRIBUTES = ('occlusion', 'blur', 'twins', 'fast', 'reenter', 'scale', 'small')
"""What videos are made difficult by; the metric reports AP for each."""


@dataclass(frozen=True)
class Preset:
    """A kind of split.

    Attributes:
        height, width: Frame size in pixels.
        categories: What objects may be.
        num_videos: Videos of a train and of a valid split, unless others are asked for.
    """

    height: int
    width: int
    categories: tuple[Category, ...] = CATEGORIES
    num_videos: tuple[int, int] = (40, 12)


PRESETS = {
    'tiny': Preset(96, 160),
    'small': Preset(192, 320),
    'full': Preset(360, 640),
    # Two of seven attributes a video: each is the aim of 24 of 84.
    'bench': Preset(96, 160, DISTINCT_CATEGORIES, num_videos=(280, 84)),
}
"""Kinds of splits by name: the size of frames, categories, numbers of videos."""


@dataclass
class Thing:
    """An object (with a category) or a static occluder (without).

    Attributes:
        category: The object's category, None for a static thing.
        look: Its surface.
        template: (TURN,) int32, its shape.
        deformation: How the shape changes.
        radius: (ticks,) int64, nominal radius in 1 / PIXEL of a pixel.
        path: (ticks, 2) int64, centre in the frame in 1 / PIXEL of a pixel.
        angle: (ticks,) int64, rotation.
    """

    category: Category | None
    look: Look
    template: np.ndarray
    deformation: Deformation
    radius: np.ndarray
    path: np.ndarray
    angle: np.ndarray


@dataclass
class Scene:
    """A planned video.

    Attributes:
        preset: Frame size.
        length: Frames.
        shutter: Ticks for which the shutter is open (0: no motion blur).
        camera: (ticks, 2) int64, upper left corner of the view on the canvas.
        margin: Canvas around the frame, in pixels.
        objects: In annotation order.
        order: Indices of ``objects`` from the farthest to the nearest.
        statics: In front of all objects, the last one nearest.
        twins: Indices of two look-alike objects, or None.
        planned: Attributes that the script asks for.
        stream: Source of randomness for background and light.
    """

    preset: Preset
    length: int
    shutter: int
    camera: np.ndarray
    margin: int
    objects: list[Thing]
    order: list[int]
    statics: list[Thing]
    twins: tuple[int, int] | None
    planned: tuple[str, ...]
    stream: Stream


class Stage:
    """The tools with which a script puts things into a scene.

    Args:
        stream: Source of randomness.
        preset: Frame size.
        length: Frames.
        categories: Categories in the order in which new objects take them.
    """

    def __init__(
        self,
        stream: Stream,
        preset: Preset,
        length: int,
        categories: Sequence[Category],
    ) -> None:
        self.stream = stream
        self.unit = preset.height * PIXEL // 96
        self.width, self.height = preset.width * PIXEL, preset.height * PIXEL
        self.length = length
        self.ticks = length * TICKS
        self.categories = list(categories)
        self.objects: list[Thing] = []
        self.statics: list[Thing] = []
        self.twins: tuple[int, int] | None = None
        self.shutter = 0
        self.calm_camera = False

    def size(self, low: int, high: int) -> int:
        """A random length between two numbers of tenths of a unit."""
        return self.stream.between(low * self.unit // 10, high * self.unit // 10)

    def inside(self, margin: int) -> motion.Point:
        """A random point of the frame, ``margin`` from its border."""
        return (
            self.stream.between(margin, self.width - margin),
            self.stream.between(margin, self.height - margin),
        )

    def near(self, point: motion.Point, reach: int, margin: int) -> motion.Point:
        """A random point of the frame, at most ``reach`` from another in x and y."""
        x, y = (p + self.stream.between(-reach, reach) for p in point)
        return (
            min(max(x, margin), self.width - margin),
            min(max(y, margin), self.height - margin),
        )

    def meetings(self, path: np.ndarray, radius: int) -> int:
        """Ticks that something on the path would spend in touch with other objects."""
        total = 0
        for other in self.objects:
            apart = ((path - other.path) ** 2).sum(-1)
            total += int((apart < (radius + other.radius) ** 2).sum())
        return total

    def add_object(
        self, path: np.ndarray, radius: np.ndarray | int, twin: Thing | None = None
    ) -> Thing:
        """Put an object on a path; a twin takes the other one's category and look."""
        stream = self.stream
        if twin is None or twin.category is None:
            category = self.categories[len(self.objects) % len(self.categories)]
            look = object_look(category, stream)
        else:
            category, look = twin.category, twin.look
        if isinstance(radius, int):
            radius = motion.ramp(
                self.ticks,
                radius * stream.between(92, 108) // 100,
                radius * stream.between(92, 108) // 100,
            )
        turn = stream.between(-4, 4) if stream.chance(80) else stream.between(-14, 14)
        thing = Thing(
            category=category,
            look=look,
            template=TEMPLATES[category.shape],
            deformation=Deformation.random(stream, stream.between(120, 380)),
            radius=radius,
            path=path,
            angle=stream.below(TURN) + turn * np.arange(self.ticks),
        )
        self.objects.append(thing)
        return thing

    def add_post(self, x: int, half_width: int) -> None:
        """Put a post from top to bottom at ``x`` (where it is in mid video)."""
        half_length = self.height * 3 // 4
        self._add_static(
            post_template(half_width * UNIT // half_length, UNIT),
            (x, self.height // 2),
            half_length,
            self.stream.between(-60, 60),
        )

    def add_boulder(self, at: motion.Point, radius: int) -> None:
        """Put a lump at a point of the frame (where it is in mid video)."""
        template = boulder_template(self.stream)
        self._add_static(template, at, radius, self.stream.below(TURN))

    def _add_static(
        self, template: np.ndarray, at: motion.Point, radius: int, angle: int
    ) -> None:
        self.statics.append(
            Thing(
                category=None,
                look=static_look(self.stream),
                template=template,
                deformation=Deformation(),
                radius=motion.ramp(self.ticks, radius, radius),
                path=motion.polyline(self.ticks, (at,), (0,)),
                angle=np.full(self.ticks, angle),
            )
        )

    def finish(self, preset: Preset, planned: tuple[str, ...]) -> Scene:
        """Move the camera, settle who is in front of whom, and close the scene."""
        stream = self.stream.fork('camera')
        margin = 24 * self.unit
        pan = np.zeros((self.ticks, 2), dtype=np.int64)
        shake = np.zeros_like(pan)
        if not self.calm_camera:
            reach = stream.pick((0, 8, 13, 16)) * self.unit
            ends = [
                (stream.between(-reach, reach), stream.between(-reach, reach) // 2)
                for _ in range(2)
            ]
            pan = motion.polyline(self.ticks, ends, (0, 100))
            shake = motion.sway(
                self.ticks, stream, stream.pick((0, 5, 15, 25)) * self.unit // 10
            )
        camera = pan + shake
        for thing in self.objects:
            # The camera follows the action with its pan but not with its shake.
            thing.path = thing.path - shake
        middle = camera[self.ticks // 2]
        for thing in self.statics:
            thing.path = thing.path - (camera - middle)
        return Scene(
            preset=preset,
            length=self.length,
            shutter=self.shutter,
            camera=camera + margin,
            margin=margin // PIXEL,
            objects=self.objects,
            order=stream.shuffled(range(len(self.objects))),
            statics=self.statics,
            twins=self.twins,
            planned=planned,
            stream=self.stream.fork('surroundings'),
        )


def category_order(
    stream: Stream, index: int, categories: Sequence[Category] = CATEGORIES
) -> list[Category]:
    """Categories in the order in which video ``index`` uses them.

    As many videos in a row as there are categories (a power of two) begin at different
    places of one shuffled order, so that all are about equally frequent, in small
    splits too.
    """
    count = len(categories)
    order = stream.fork('categories', index // count).shuffled(categories)
    stride = stream.fork('stride', index // count).pick((1, 3, 5, 7))
    return [order[(index + k * stride) % count] for k in range(count)]
