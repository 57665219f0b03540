"""Everything that is wrong, or odd, in an annotation file and its frames."""

from .findings import CODES, Finding
from .fixing import fix_annotation_file
from .frames import check_frames, count_frames, find_frames
from .records import check_annotation_file

__all__ = [
    'CODES',
    'Finding',
    'check_annotation_file',
    'check_frames',
    'count_frames',
    'find_frames',
    'fix_annotation_file',
]
