"""Elements of CVAT's xml as shapes, and shapes as masks."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from mmvis.structures.rle import RLE

from . import shapes
from .cvat_interpolation import Shape

KINDS = ('box', 'ellipse', 'polygon', 'mask')
_ELLIPSE = ('cx', 'cy', 'rx', 'ry')


def label_of(element: Element, place: str) -> str:
    """Its label.

    Raises:
        ValueError: it has none.
    """
    label = element.get('label')
    if not label:
        raise ValueError(f'{place} has no label="...".')
    return label


def is_crowd(element: Element) -> bool:
    """Whether the shape has the attribute that crowds are written with."""
    marks = element.iterfind('attribute[@name="iscrowd"]')
    return any(mark.text == 'true' for mark in marks)


def text_of(element: Element, key: str) -> str:
    """An attribute of xml that has to be there."""
    text = element.get(key)
    if text is None:
        raise ValueError(f'it has no {key}="..."')
    return text


def shape_of(element: Element) -> Shape:
    """The shape of an element, one of ``KINDS``."""
    outside = element.get('outside') == '1'
    if element.tag == 'polygon':
        points = text_of(element, 'points')
        pairs = [pair.split(',') for pair in points.strip().strip(';').split(';')]
        if not all(len(pair) == 2 for pair in pairs):
            raise ValueError(f'points are "x,y;x,y;...", not "{points[:40]}"')
        numbers = tuple(float(n) for pair in pairs for n in pair)
        return Shape('polygon', numbers, outside=outside)
    if element.tag == 'mask':
        runs = tuple(float(n) for n in text_of(element, 'rle').split(','))
        place = tuple(
            int(text_of(element, k)) for k in ('left', 'top', 'width', 'height')
        )
        return Shape('mask', runs, outside=outside, place=place)
    keys = ('xtl', 'ytl', 'xbr', 'ybr') if element.tag == 'box' else _ELLIPSE
    numbers = tuple(float(text_of(element, key)) for key in keys)
    return Shape(element.tag, numbers, float(element.get('rotation', 0)), outside)


def mask_of(shape: Shape, height: int, width: int, place: str) -> RLE | None:
    """The mask of a shape in a frame of this size."""
    numbers = shape.numbers
    try:
        if shape.kind == 'box':
            x0, y0, x1, y1 = numbers
            return shapes.box(x0, y0, x1, y1, height, width, shape.degrees)
        if shape.kind == 'ellipse':
            return shapes.ellipse(
                numbers[:2], numbers[2:], height, width, shape.degrees
            )
        if shape.kind == 'polygon':
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            return shapes.polygon(points, height, width)
        left, top, w, h = shape.place
        pixels = shapes.rows_to_pixels([int(n) for n in numbers], h, w)
        return shapes.patch(pixels, left, top, height, width)
    except ValueError as error:
        raise ValueError(f'{place}: {error}.') from None
