"""What the validator can report."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

CODES: Mapping[str, str] = MappingProxyType(
    {
        # Broken: the file contradicts itself or its frames.
        'BAD_JSON': 'not valid json, or not of the YouTube-VIS form',
        'MISSING_KEY': 'a member that a record needs is missing or of a wrong type',
        'DUP_VIDEO_ID': 'a video id that another video has',
        'DUP_ANN_ID': 'an annotation id that another annotation has',
        'DUP_CATEGORY': 'an id or a name that another category has',
        'EMPTY_VIDEO': 'a video without frames',
        'ID_FORM': 'an id with a decimal point, or as text where others are numbers',
        'WINDOWS_PATH': 'a file name with the backslashes of Windows',
        'UNSAFE_PATH': 'a file name that may lead out of the folder of frames',
        'LENGTH_FIELD': '"length" is not the number of file_names',
        'SIZE_FIELD': 'height and width of an annotation are not those of its video',
        'ORPHAN': 'an annotation of a video that is not listed',
        'UNKNOWN_CATEGORY': 'an annotation of a category that is not listed',
        'LIST_LENGTH': 'segmentations, bboxes or areas not one entry a frame',
        'BAD_SEGM': 'a mask that cannot be understood',
        'RLE_SIZE': 'a mask of another size than the video',
        'NULL_DISAGREES': 'mask, box and area disagree on whether the object is there',
        'BOX_OUTSIDE': 'a box that leaves the frame by more than a pixel',
        'BOX_MISMATCH': 'a box off the box of the mask by more than two pixels',
        'AREA_MISMATCH': 'an area off the area of the mask by more than a twentieth',
        'MISSING_FILE': 'a frame that is not on disk',
        'BAD_IMAGE': 'a frame that is no whole image',
        'SIZE_MISMATCH': 'a frame of another size than the video',
        # Notes: legal, but worth knowing.
        'NO_VIDEOS': 'no videos',
        'NO_OBJECTS': 'a video, or the whole file, without annotations',
        'ALL_NULL': 'an object that is visible in no frame',
        'ZERO_AREA': 'a mask without any pixel, taken as null',
        'POLYGON': 'masks given as polygons',
        'LIST_RLE': 'masks given as lists of run lengths',
        'CROWD': 'iscrowd: not a target of training, ignored in scoring',
        'DUP_FILE': 'a frame that is listed more than once',
        'UNSORTED': 'file_names that are not in alphabetical order',
        'NON_ASCII': 'file names with other than ASCII characters',
        'GREY': 'frames of one channel',
        'TURNED': 'frames that their EXIF orientation turns, and masks with them',
    }
)
"""What can be found in a file, by code."""
NOTES = frozenset(list(CODES)[list(CODES).index('NO_VIDEOS') :])


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd.

    Attributes:
        code: a key of ``CODES``.
        what: the fact, in words.
        video: id of the video, None where it concerns none.
        annotation: id of the annotation.
        frame: position in file_names, from 0.
    """

    code: str
    what: str
    video: Any = None
    annotation: Any = None
    frame: int | None = None

    @property
    def is_broken(self) -> bool:
        """False for a note on something legal."""
        return self.code not in NOTES

    def __str__(self) -> str:
        places = (
            f'{name} {value!r}'
            for name, value in (
                ('video', self.video),
                ('annotation', self.annotation),
                ('frame', self.frame),
            )
            if value is not None
        )
        kind = 'BROKEN' if self.is_broken else 'note  '
        return f'{kind} {self.code:16s} {", ".join([*places, ""])}{self.what}'
