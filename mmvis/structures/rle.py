"""Run-length masks in COCO's form: encode, convert, concatenate; torch is not needed.

An RLE is ``{'size': [h, w], 'counts': bytes}``: run lengths of the column-major mask,
background first, packed as pycocotools packs them. Functions that take an RLE accept
``counts`` of type str, too, as json files have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import mask as mask_utils

if TYPE_CHECKING:
    from torch import Tensor

RLE = dict[str, Any]

# Encoding works on the masks and on one byte a pixel of change flags: about 32 Mpx at
# once bounds the flags to 32 MiB, which is 36 masks of 720p.
_PIXELS_AT_ONCE = 1 << 25
# A GPU has more memory and waits for each step.
_PIXELS_AT_ONCE_ON_DEVICE = 1 << 28
# Positions of a wide RLE are uint32 in pycocotools.
_MAX_RLE_PIXELS = 2**32 - 1


def encode_masks(masks: Tensor | np.ndarray) -> list[RLE]:
    """Encode all masks of a frame, byte-identical to ``pycocotools.mask.encode``.

    Run boundaries are found on the masks' own device, for all of them at once; only
    the run lengths travel to the host.

    Args:
        masks: (n, h, w), bool or any integer type; every non-zero value is foreground.

    Returns:
        n RLEs with counts of type bytes.

    Raises:
        ValueError: if the masks have not three dimensions, or no pixel.
        TypeError: if they are of a floating point type (threshold them first).
    """
    if masks.ndim != 3:
        raise ValueError(f'masks must be (n, h, w), got shape {tuple(masks.shape)}')
    if not _holds_integers(masks):
        raise TypeError(f'masks must be bool or integer, got {masks.dtype}')
    num, height, width = masks.shape
    if num == 0:
        return []
    if height * width == 0:
        raise ValueError(f'masks of size {height}x{width} have no pixel')
    on_host = isinstance(masks, np.ndarray) or masks.device.type == 'cpu'
    at_once = _PIXELS_AT_ONCE if on_host else _PIXELS_AT_ONCE_ON_DEVICE
    step = max(1, at_once // (height * width))
    rles: list[RLE] = []
    for start in range(0, num, step):
        runs, splits = _find_runs_in_place(masks[start : start + step])
        for counts in np.split(runs, splits[:-1]):
            rles.append(pack_counts(counts, height, width))
    return rles


def _holds_integers(masks: Tensor | np.ndarray) -> bool:
    if isinstance(masks, np.ndarray):
        return masks.dtype.kind in 'biu'
    return not (masks.is_floating_point() or masks.is_complex())


def _find_runs_in_place(masks: Tensor | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`find_runs`, on the masks' own device."""
    if isinstance(masks, np.ndarray):
        return find_runs(masks)
    if masks.device.type == 'cpu':
        return find_runs(masks.numpy())
    from .rle_on_device import find_runs as find_runs_on_device

    return find_runs_on_device(masks)


def find_runs(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of all masks in a row, and where each mask's end in that row.

    ``rle_on_device.find_runs`` does the same where the masks are.

    Args:
        masks: (n, h, w), bool or integer.

    Returns:
        (runs,) int64 and (n,) int64.
    """
    masks = masks if masks.dtype == bool else masks != 0
    num, height, width = masks.shape
    area, size = height * width, masks.size
    # A pixel begins a run if it differs from its predecessor in column-major order:
    # the one above, and for the first row the last of the column to the left. Comparing
    # whole rows needs no transposed copy of the masks.
    flags = np.empty(-(-size // 8) * 8, dtype=bool)
    flags[size:] = False
    begins = flags[:size].reshape(num, height, width)
    np.not_equal(masks[:, 1:], masks[:, :-1], out=begins[:, 1:])
    np.not_equal(masks[:, 0, 1:], masks[:, -1, :-1], out=begins[:, 0, 1:])
    begins[:, 0, 0] = masks[:, 0, 0]
    # Boundaries are rare: look for them in words of 8 pixels first.
    words = np.flatnonzero(flags.view(np.int64))
    word, byte = np.nonzero(flags.reshape(-1, 8)[words])
    pixels = words[word] * 8 + byte
    index = pixels // area
    pixels -= index * area
    row = pixels // width
    positions = index * area + (pixels - row * width) * height + row
    # Every mask's last run ends with the mask. If the next one begins with foreground,
    # the two boundaries coincide, and the run of length 0 between them is the
    # background run that its RLE has to start with.
    ends = np.arange(1, num + 1) * area
    splits = (np.bincount(index, minlength=num) + 1).cumsum()
    return np.diff(np.sort(np.concatenate([positions, ends])), prepend=0), splits


def pack_counts(counts: np.ndarray, height: int, width: int) -> RLE:
    """Pack run lengths, (runs,) integer, that are known to be right."""
    rle = {'size': [height, width], 'counts': counts}
    return mask_utils.frPyObjects([rle], height, width)[0]


def empty_rle(height: int, width: int) -> RLE:
    """The RLE of a mask without foreground."""
    return pack_counts(np.array([height * width]), height, width)


def decode_masks(rles: Sequence[RLE], height: int, width: int) -> np.ndarray:
    """Decode RLEs of one size to a (n, h, w) bool array; n may be 0.

    Raises:
        ValueError: if an RLE is not of the size given, or its runs do not fill it.
    """
    masks = np.zeros((len(rles), height, width), dtype=bool)
    for mask, rle in zip(masks, rles, strict=True):
        if list(rle['size']) != [height, width]:
            raise ValueError(
                f'RLE of size {list(rle["size"])}, not [{height}, {width}]'
            )
        counts = unpack_counts(rle)
        check_runs(counts, height, width)
        mask[:] = decode_runs(counts, height, width)
    return masks


def decode_runs(counts: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels (height, width), uint8, 0 or 1, of run lengths that add up to them.

    Several times as fast as pycocotools, which writes pixel by pixel.
    """
    from cv2 import transpose  # in a tenth of numpy's time

    values = np.arange(len(counts), dtype=np.uint8) & 1
    columns = np.repeat(values, counts).reshape(width, height)
    return np.asarray(transpose(columns)) if columns.size else columns.T


def unpack_counts(rle: RLE) -> np.ndarray:
    """Run lengths of an RLE, (runs,) int64, background first.

    Raises:
        ValueError: if the string is not a packed list of run lengths.
    """
    counts = rle['counts']
    if isinstance(counts, str):
        try:
            counts = counts.encode('ascii')
        except UnicodeEncodeError:
            raise ValueError('the counts hold characters that no RLE has') from None
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if codes.size == 0 or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError('the counts are no packed run lengths')
    # Six bits a character: the lowest five are payload, least significant group first,
    # the sixth says that more follow; bit 5 of the last group is the sign.
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    length = last - first + 1
    if length.max() > 8:
        raise ValueError('the counts are no packed run lengths')
    shift = 5 * (np.arange(codes.size) - np.repeat(first, length))
    values = np.add.reduceat((codes & 31) << shift, first)
    values -= np.where(codes[last] & 16, np.left_shift(1, 5 * length), 0)
    # From the fourth run on, the difference to the run two before is stored.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def check_runs(counts: np.ndarray, height: int, width: int) -> None:
    """Raise a ValueError where run lengths do not fill a mask of this size."""
    if counts.size == 0 or counts.min() < 0:
        raise ValueError('the counts are empty or hold a negative run length')
    total = int(counts.sum())
    if total != height * width:
        raise ValueError(
            f'the run lengths add up to {total}, not to {height} x {width} = '
            f'{height * width} pixels'
        )


def rle_area(rles: Sequence[RLE]) -> np.ndarray:
    """Foreground pixels of each RLE: (n,) int64."""
    if len(rles) == 0:
        return np.zeros(0, dtype=np.int64)
    # pycocotools 2.0.10 counts the masks of one call in a uint8.
    parts = [
        mask_utils.area(list(rles[start : start + 255]))
        for start in range(0, len(rles), 255)
    ]
    return np.concatenate(parts).astype(np.int64)


def rle_to_bbox(rles: Sequence[RLE]) -> np.ndarray:
    """Tight boxes: (n, 4) float64, xyxy in pixels, x2 = x + w; zeros if empty."""
    if len(rles) == 0:
        return np.zeros((0, 4), dtype=np.float64)
    boxes = np.asarray(mask_utils.toBbox(list(rles)), dtype=np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def concatenate_rles(rles: Sequence[RLE | None], height: int, width: int) -> RLE:
    """The frames of a track side by side as one RLE of size [h, w * T].

    RLE is column-major, so that the runs of frame t + 1 simply follow those of frame t:
    no pixel is decoded. Area and intersection over union of such video RLEs are the
    spatio-temporal ones.

    Args:
        rles: one a frame, of size [height, width]; None for an empty frame.

    Raises:
        ValueError: if an RLE is of another size, or its runs do not add up to it.
        OverflowError: if the video has 2^32 pixels or more (4,660 frames of 720p):
            pycocotools counts in uint32; sum over frames instead.
    """
    area = height * width
    total = area * len(rles)
    if total > _MAX_RLE_PIXELS:
        raise OverflowError(
            f'{len(rles)} frames of {height}x{width} have {total} pixels, more than an '
            'RLE can count (2^32 - 1): sum areas and intersections over frames instead'
        )
    boundaries: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    for frame, rle in enumerate(rles):
        if rle is None:
            continue
        if list(rle['size']) != [height, width]:
            raise ValueError(
                f'frame {frame}: RLE of size {list(rle["size"])}, '
                f'not [{height}, {width}]'
            )
        counts = unpack_counts(rle)
        try:
            check_runs(counts, height, width)
        except ValueError as error:
            raise ValueError(f'frame {frame}: {error}') from None
        # An even number of runs ends in foreground: it has to be switched off where
        # the frame ends, an odd number is off already.
        stops = np.cumsum(counts if counts.size % 2 == 0 else counts[:-1])
        boundaries.append(stops + frame * area)
    flips = np.concatenate(boundaries)
    # Two flips at one place cancel: a run that continues in the next frame.
    places, times = np.unique(flips, return_counts=True)
    places = places[times % 2 == 1]
    if places.size == 0 or places[-1] != total:
        places = np.append(places, total)
    return pack_counts(np.diff(places, prepend=0), height, width * len(rles))
