"""Image files of frames: how names are ordered, damage found cheaply."""

import re


class MissingFrameError(FileNotFoundError):
    """There is no file of a frame."""


class DamagedFrameError(ValueError):
    """The file of a frame is no whole image."""


class OtherSizeError(ValueError):
    """A frame has not the size that its annotation file says."""


# What is wrong with one frame, while the set as a whole can be used.
FRAME_ERRORS = (MissingFrameError, DamagedFrameError, OtherSizeError)


def image_damage(data: bytes) -> str | None:
    """The reason why an image file is unusable, or None if it seems whole.

    OpenCV fills the rest of a truncated JPEG with grey and says nothing, so the end
    marker is looked for: at the end, where it nearly always is, or behind the last scan
    for files with something appended. A thumbnail in the header has a marker of its
    own, but it comes before the image's scan.

    Args:
        data: content of the file. Only JPEG and PNG are looked into.
    """
    if not data:
        return 'is empty'
    if data.startswith(b'\xff\xd8'):
        whole = data.endswith(b'\xff\xd9') or (
            data.rfind(b'\xff\xd9') > data.rfind(b'\xff\xda') > 0
        )
        return None if whole else 'is truncated: the end of the JPEG is missing'
    if data.startswith(b'\x89PNG'):
        whole = data.find(b'IEND', -12) > 0 or data.rfind(b'\0\0\0\0IEND') > 0
        return None if whole else 'is truncated: the end of the PNG is missing'
    return None


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which 'frame9' comes before 'frame10', and case is no matter."""
    parts = re.findall(r'(\d+)|(\D+)', name.casefold(), re.ASCII)
    # Digits before letters; equal numbers that are written differently by their text.
    return [
        (0, int(digits), digits) if digits else (1, 0, text) for digits, text in parts
    ]
