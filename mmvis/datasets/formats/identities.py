"""Who is who in formats that label single images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmvis.structures.rle import RLE

from .contents import Track, count_of
from .shapes import union

WAYS = ('auto', 'group', 'suffix', 'label', 'none')
_NUMBERED = re.compile(r'(.*[^ _#-])[ _#-]+(\d+)', re.DOTALL)


@dataclass
class LabelledMask:
    """A shape of one image.

    Attributes:
        frame: its position in the video.
        label: what it is called.
        group: the tool's number for shapes that belong together, or None.
        mask: of the video's size.
    """

    frame: int
    label: str
    group: Any
    mask: RLE


def identified(
    shapes: Sequence[LabelledMask], way: str = 'auto'
) -> tuple[list[Track], str]:
    """Objects of one video, and a sentence on how they were told apart.

    Args:
        shapes: of all its frames.
        way: 'group': shapes of one label and group are one object. 'suffix': labels end
            in a number, ``dog_1``, which tells objects of a category apart. 'label': a
            label is an object. 'none': nothing tells, so that each shape stands alone.
            'auto': the first of these that all shapes allow; 'label' if no frame has
            two shapes of one label.

    Raises:
        ValueError: the shapes do not allow the way that was asked for.
    """
    if way == 'auto':
        way = _allowed(shapes)
    grouped: dict[Any, Track] = {}
    parts: dict[tuple, list[RLE]] = {}
    for index, shape in enumerate(shapes):
        category, identity = shape.label, None
        if way == 'group' and shape.group is not None:
            identity = f'{shape.label}#{shape.group}'
        elif way == 'suffix':
            numbered = _NUMBERED.fullmatch(shape.label)
            if numbered is None:
                raise ValueError(f'the label {shape.label!r} does not end in a number')
            category, identity = numbered[1], shape.label
        elif way == 'label':
            identity = shape.label
        key = index if identity is None else identity
        grouped.setdefault(key, Track(category, {}, identity))
        parts.setdefault((key, shape.frame), []).append(shape.mask)
    for (key, frame), masks in parts.items():
        grouped[key].masks[frame] = union(masks)
    return list(grouped.values()), _SAID[way]


_SAID = {
    'group': 'objects are told apart by label and group',
    'suffix': 'objects are told apart by the number at the end of their label',
    'label': 'each label is one object, since no frame has two shapes of one label',
    'none': 'nothing tells objects apart through the frames',
}


def _allowed(shapes: Sequence[LabelledMask]) -> str:
    if shapes and all(shape.group is not None for shape in shapes):
        return 'group'
    if any(shape.group is not None for shape in shapes):
        return 'group'  # those without a group stand alone, and are told of
    if shapes and all(_NUMBERED.fullmatch(shape.label) for shape in shapes):
        return 'suffix'
    seen = Counter((shape.frame, shape.label) for shape in shapes)
    return 'none' if any(count > 1 for count in seen.values()) else 'label'


def missing_identities(count: int, category: str, source: str) -> str:
    """What is said where masks have no identity, and nothing was asked to make one."""
    return (
        f"'{source}': {count_of(count, 'mask')} of single frames (first a "
        f'{category!r}) say not which object they are of: give them ids or groups in '
        'your tool, or let the tracker join them with --link.'
    )
