"""What small, medium and large are: the protocol's, a config's, or by the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from .vis_eval import AREA_RANGES, average_area

AreaRanges = Mapping[str, Sequence[float]] | Literal['data'] | None
OF_DATA: Literal['data'] = 'data'
_NAMES = ('s', 'm', 'l')


def check_area_ranges(area_ranges: AreaRanges, area_unit: str) -> dict:
    """Ranges as floats, the protocol's by default.

    Args:
        area_ranges: name to (lowest, highest) mean area; 'data' has none yet.
        area_unit: 'pixel', or 'frame' for fractions of a frame's area.

    Raises:
        ValueError: they cannot be understood.
    """
    if area_unit not in ('pixel', 'frame'):
        raise ValueError(f"area_unit is 'pixel' or 'frame', not {area_unit!r}")
    if area_ranges == OF_DATA:
        return {}
    if isinstance(area_ranges, str):
        raise ValueError(
            f"area_ranges is a dict of ranges or 'data', not {area_ranges!r}"
        )
    if area_ranges is None:
        if area_unit == 'frame':
            raise ValueError("area_unit='frame' needs area_ranges, as fractions")
        return dict(AREA_RANGES)
    ranges = {}
    for name, limits in area_ranges.items():
        if len(limits) != 2 or not limits[0] <= limits[1]:
            raise ValueError(f'area range {name!r} is not (lowest, highest): {limits}')
        ranges[str(name)] = (float(limits[0]), float(limits[1]))
    return ranges


def ranges_of_data(
    tracks: Sequence[dict], area_unit: str = 'pixel'
) -> dict[str, tuple[float, float]]:
    """Thirds of the objects by their mean area: s, m and l.

    A limit lies in the middle between the objects on its two sides, so that none is in
    two ranges. Crowds do not count.

    Args:
        tracks: annotations as they are read.
        area_unit: of the limits, see :func:`check_area_ranges`.

    Returns:
        {} where there are fewer than three objects, or where a limit would part objects
        of one size.
    """
    sizes = []
    for track in tracks:
        area = average_area(track['areas'])
        if area and not track['iscrowd']:
            whole = track['height'] * track['width'] if area_unit == 'frame' else 1
            sizes.append(area / whole)
    sizes.sort()
    places = [round(len(sizes) * part / 3) for part in (1, 2)]
    if len(sizes) < 3 or any(sizes[at - 1] == sizes[at] for at in places):
        return {}
    limits = [0.0, *((sizes[at - 1] + sizes[at]) / 2 for at in places), float('inf')]
    return dict(zip(_NAMES, pairwise(limits), strict=True))
