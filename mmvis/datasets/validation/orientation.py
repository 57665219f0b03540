"""How an image is turned when it is read: its EXIF orientation.

OpenCV, which reads frames for training, testing and drawing, turns JPEGs and PNGs as
this tag says; Pillow does not. Of other formats it turns some, depending on its
version, and refuses some.
"""

from typing import Any, BinaryIO

from PIL import Image

_TAG = 274
_UPRIGHT = 1
_TURNED_ON_READING = ('JPEG', 'MPO', 'PNG')  # MPO: a JPEG with further pictures in it
AMBIGUOUS = (
    'has the EXIF orientation {}, which programs follow in JPEGs and PNGs, but not all '
    'in other formats: save it upright'
)


def exif_orientation(file: BinaryIO, image: Image.Image) -> int:
    """The EXIF orientation of an image, 1 to 8; 1, upright, if it has none.

    Image.getexif would decode a whole PNG, and would take the orientation of XMP,
    which OpenCV leaves aside.

    Args:
        file: The image file, which can be sought in; its position is kept.
        image: That file as Pillow opened it, loaded or not.
    """
    if image.format == 'TIFF':
        tiff: Any = image
        orientation = tiff.tag_v2.get(_TAG)
    else:
        data = _png_exif(file) if image.format == 'PNG' else image.info.get('exif')
        exif = Image.Exif()
        try:
            exif.load(data or b'')
            orientation = exif.get(_TAG)
        except Exception:  # damaged tags raise errors of many kinds; none is followed
            orientation = None
    known = type(orientation) is int and 1 <= orientation <= 8
    return orientation if known else _UPRIGHT


def is_ambiguous(image: Image.Image, orientation: int) -> bool:
    """Whether it depends on the program how an image is shown."""
    return orientation != _UPRIGHT and image.format not in _TURNED_ON_READING


def displayed_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    """(height, width) of an image that is turned as its orientation says."""
    lies = orientation >= 5 and image.format in _TURNED_ON_READING
    return (image.width, image.height) if lies else (image.height, image.width)


def _png_exif(file: BinaryIO) -> bytes:
    """The EXIF data of a PNG, which may come before or behind the pixels."""
    position = file.tell()
    try:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[:4], 'big')
            if head[4:] == b'eXIf':
                return file.read(length)
            file.seek(length + 4, 1)  # the data and its checksum
        return b''
    finally:
        file.seek(position)
