"""Annotation files that loaders trip over, each made from generated frames.

Video 1 has annotation 1 (category 9, a rectangle), video 2 annotation 2 (category 19);
three JPEG frames each. A case changes that set in one way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from data_factory import (
    VISSet,
    list_rle,
    make_annotation,
    make_vis_dataset,
    string_rle,
    write_frame,
)

HEIGHT, WIDTH = 45, 80
CATEGORIES = ((3, 'bird'), (9, 'dog'), (19, 'horse'))


@dataclass(frozen=True)
class EdgeCase:
    """One case and what should come of it.

    Attributes:
        change: what is done to the ordinary set.
        codes: what the validator finds.
        legal: whether the file is in order for it.
        opens: None, or the part of the error that opening it for testing raises.
        warns: None, or a part of the one warning.
        trains: as `opens`, for training.
        frames: as `opens`, for reading the frames.
        sizes: videos in testing and in training, where it opens.
    """

    change: Callable[[VISSet], None]
    codes: tuple[str, ...] = ()
    legal: bool = True
    opens: str | None = None
    warns: str | None = None
    trains: str | None = None
    frames: str | None = None
    sizes: tuple[int, int] = (2, 2)

    def make(self, root: Path) -> VISSet:
        vis_set = make_vis_dataset(
            root,
            lengths=(3, 3),
            size=(HEIGHT, WIDTH),
            categories=CATEGORIES[1:2],
            objects=1,
            suffix='.jpg',
        )
        vis_set.content['categories'] = [dict(id=i, name=n) for i, n in CATEGORIES]
        vis_set.content['annotations'][1]['category_id'] = 19
        self.change(vis_set)
        vis_set.write()
        return vis_set


def _annotation(vis_set: VISSet, index: int = 0) -> dict:
    return vis_set.content['annotations'][index]


def _frame(vis_set: VISSet, frame: int = 1, video: int = 0) -> Path:
    name = vis_set.content['videos'][video]['file_names'][frame]
    return vis_set.root / vis_set.prefix / name


def _only_first_video(s: VISSet) -> None:
    del s.content['videos'][1:], s.content['annotations'][1:]


def _drop_second_annotation(s: VISSet) -> None:
    del s.content['annotations'][1]


def _null_annotations(s: VISSet) -> None:
    s.content['annotations'] = None


def _no_annotations_key(s: VISSet) -> None:
    del s.content['annotations']


def _all_null(s: VISSet) -> None:
    nothing = np.zeros((3, HEIGHT, WIDTH), dtype=bool)
    extra = make_annotation(nothing, id=3, video_id=1, category_id=9, iscrowd=0)
    s.content['annotations'].append(extra)


def _null_in_the_middle(s: VISSet) -> None:
    for key in ('segmentations', 'bboxes', 'areas'):
        _annotation(s)[key][1] = None


def _corners(box: list[int]) -> list[int]:
    x, y, w, h = box
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def _polygons(s: VISSet) -> None:
    annotation = _annotation(s)
    x, y, w, h = annotation['bboxes'][1]
    halves = [[x, y, w // 2, h], [x + w // 2, y, w - w // 2, h]]
    annotation['segmentations'][0] = [_corners(annotation['bboxes'][0])]
    annotation['segmentations'][1] = [_corners(half) for half in halves]
    for key in ('segmentations', 'bboxes', 'areas'):
        annotation[key][2] = None


def _two_points(s: VISSet) -> None:
    x, y, w, h = _annotation(s)['bboxes'][1]
    _annotation(s)['segmentations'][1] = [[x, y, x + w, y + h]]


def _list_counts(s: VISSet) -> None:
    masks = s.masks[1].copy()
    masks[0, 0, 0] = True
    s.masks[1] = masks
    members = {key: _annotation(s)[key] for key in ('id', 'video_id', 'category_id')}
    s.content['annotations'][0] = make_annotation(masks, True, iscrowd=0, **members)
    assert list_rle(masks[0])[0] == 0


def _size_swapped(s: VISSet) -> None:
    _annotation(s)['segmentations'][1]['size'] = [WIDTH, HEIGHT]


def _runs_short(s: VISSet) -> None:
    counts = list_rle(s.masks[1][1])[:-1]
    _annotation(s)['segmentations'][1]['counts'] = counts


def _zero_area(s: VISSet) -> None:
    masks = s.masks[1].copy()
    masks[1:] = False
    masks[2, 20, 30] = True
    annotation = _annotation(s)
    made = make_annotation(masks)
    made['segmentations'][1] = dict(size=[HEIGHT, WIDTH], counts=string_rle(masks[1]))
    made['bboxes'][1], made['areas'][1] = [0, 0, 0, 0], 0
    annotation.update(made)


def _crowd(s: VISSet) -> None:
    masks = np.roll(s.masks[1], 5, axis=2)
    extra = make_annotation(masks, id=3, video_id=1, category_id=9, iscrowd=1)
    s.content['annotations'].append(extra)


def _one_frame(s: VISSet) -> None:
    s.content['videos'][0]['length'] = _annotation(s)['length'] = 1
    del s.content['videos'][0]['file_names'][1:]
    for key in ('segmentations', 'bboxes', 'areas'):
        del _annotation(s)[key][1:]


def _category_gaps(s: VISSet) -> None:
    names = ((40, 'dog'), (3, 'horse'), (17, 'bird'))
    s.content['categories'] = [dict(id=i, name=n) for i, n in names]
    _annotation(s, 0)['category_id'], _annotation(s, 1)['category_id'] = 40, 3


def _category_unknown(s: VISSet) -> None:
    _annotation(s, 1)['category_id'] = 99


def _category_zero(s: VISSet) -> None:
    s.content['categories'][1]['id'] = _annotation(s)['category_id'] = 0


def _missing_frame(s: VISSet) -> None:
    _frame(s).unlink()


def _truncated(s: VISSet) -> None:
    data = _frame(s).read_bytes()
    _frame(s).write_bytes(data[: len(data) * 6 // 10])


def _undecodable(s: VISSet) -> None:
    _frame(s, 1).write_bytes(_frame(s, 1).read_bytes()[:120])
    _frame(s, 2).write_bytes(b'')


def _frame_size(s: VISSet) -> None:
    write_frame(_frame(s), np.full((HEIGHT + 11, WIDTH + 20, 3), 90, dtype=np.uint8))


def _width_and_height_swapped(s: VISSet) -> None:
    # A box at the right: within 80x45, outside of 45x80.
    masks = np.zeros((3, HEIGHT, WIDTH), dtype=bool)
    masks[:, 10:30, 50:75] = True
    _annotation(s).update(make_annotation(masks))
    for record in (s.content['videos'][0], _annotation(s)):
        record['width'], record['height'] = HEIGHT, WIDTH


def _grey(s: VISSet) -> None:
    for frame in range(3):
        path = _frame(s, frame)
        write_frame(path, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def _rename(s: VISSet, names: list[str]) -> None:
    paths = [_frame(s, frame) for frame in range(3)]
    s.content['videos'][0]['file_names'] = names
    for old, frame in zip(paths, range(3), strict=True):
        new = _frame(s, frame)
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)


def _unicode(s: VISSet) -> None:
    _rename(s, [f'été à la mer 犬/{n} 写真 ü.jpg' for n in 'abc'])


def _not_sorted(s: VISSet) -> None:
    _rename(s, ['v/00010.jpg', 'v/00000.jpg', 'v/00005.jpg'])


def _repeated_annotation_ids(s: VISSet) -> None:
    extra = make_annotation(
        np.roll(s.masks[1], 5, axis=2), id=1, video_id=1, category_id=9, iscrowd=0
    )
    s.content['annotations'].append(extra)
    _annotation(s, 1)['id'] = 1


def _repeated_video_ids(s: VISSet) -> None:
    s.content['videos'][1]['id'] = _annotation(s, 1)['video_id'] = 1


def _orphan(s: VISSet) -> None:
    _annotation(s, 1)['video_id'] = 77


def _wrong_lengths(s: VISSet) -> None:
    for length, index in ((5, 0), (2, 1)):
        s.content['videos'][index]['length'] = length
        _annotation(s, index)['length'] = length


def _short_lists(s: VISSet) -> None:
    for key in ('segmentations', 'bboxes', 'areas'):
        del _annotation(s)[key][2]


def _null_disagrees(s: VISSet) -> None:
    annotation = _annotation(s)
    annotation['bboxes'][0] = annotation['areas'][0] = None
    annotation['segmentations'][2] = None


def _boxes_outside(s: VISSet) -> None:
    boxes = [[-20, -10, 60, 40], [40, 20, 70, 60], [WIDTH + 10, HEIGHT + 10, 20, 20]]
    _annotation(s)['bboxes'] = boxes


def _empty_video(s: VISSet) -> None:
    s.content['videos'][1].update(file_names=[], length=0)
    _drop_second_annotation(s)


def _no_videos(s: VISSet) -> None:
    s.content['videos'], s.content['annotations'] = [], []


EDGE_CASES = {
    'baseline': EdgeCase(lambda s: None),
    'video_no_annotations': EdgeCase(
        _drop_second_annotation, ('NO_OBJECTS',), sizes=(2, 1)
    ),
    'annotations_null': EdgeCase(
        _null_annotations, ('NO_OBJECTS',), trains='has no annotations'
    ),
    'annotations_absent': EdgeCase(
        _no_annotations_key, ('NO_OBJECTS',), trains='has no annotations'
    ),
    'ann_all_null': EdgeCase(_all_null, ('ALL_NULL',)),
    'null_middle': EdgeCase(_null_in_the_middle),
    'polygon': EdgeCase(_polygons, ('POLYGON',)),
    'polygon_two_points': EdgeCase(
        _two_points,
        ('BAD_SEGM', 'POLYGON'),
        False,
        'annotation 1 .*, frame 1: .*points',
    ),
    'rle_uncompressed': EdgeCase(_list_counts, ('LIST_RLE',)),
    'rle_size_swapped': EdgeCase(
        _size_swapped,
        ('BOX_MISMATCH', 'RLE_SIZE'),
        False,
        r'annotation 1 .*, frame 1: .*size \[80, 45\]',
    ),
    'rle_runs_short': EdgeCase(
        _runs_short,
        ('BAD_SEGM', 'LIST_RLE'),
        False,
        'annotation 1 .*, frame 1: .*add up',
    ),
    'zero_area': EdgeCase(_zero_area, ('ZERO_AREA',)),
    'iscrowd': EdgeCase(_crowd, ('CROWD',)),
    'one_frame': EdgeCase(_one_frame),
    'category_gap': EdgeCase(_category_gaps),
    'category_unknown': EdgeCase(
        _category_unknown,
        ('UNKNOWN_CATEGORY',),
        False,
        warns='annotation 2 .* category 99',
        sizes=(2, 1),
    ),
    'category_zero': EdgeCase(_category_zero),
    'missing_frame_file': EdgeCase(
        _missing_frame, ('MISSING_FILE',), False, frames='00005.jpg.* does not exist'
    ),
    'truncated_jpeg': EdgeCase(
        _truncated, ('BAD_IMAGE',), False, frames='00005.jpg.* truncated'
    ),
    'undecodable_files': EdgeCase(
        _undecodable, ('BAD_IMAGE',), False, frames='00005.jpg.* truncated'
    ),
    'frame_size_differs': EdgeCase(
        _frame_size, ('SIZE_MISMATCH',), False, frames='00005.jpg.* is 100x56'
    ),
    'video_wh_swapped': EdgeCase(
        _width_and_height_swapped,
        ('BOX_OUTSIDE', 'RLE_SIZE', 'SIZE_MISMATCH'),
        False,
        r'annotation 1 .*size \[45, 80\]',
    ),
    'grey_jpeg': EdgeCase(_grey, ('GREY',)),
    'unicode_and_spaces': EdgeCase(_unicode, ('NON_ASCII',)),
    'frames_not_sorted': EdgeCase(_not_sorted, ('UNSORTED',)),
    'duplicate_annotation_ids': EdgeCase(
        _repeated_annotation_ids, ('DUP_ANN_ID',), False, warns='id is used again'
    ),
    'duplicate_video_ids': EdgeCase(
        _repeated_video_ids, ('DUP_VIDEO_ID', 'NO_OBJECTS'), False, 'have the id 1'
    ),
    'orphan_annotation': EdgeCase(
        _orphan, ('NO_OBJECTS', 'ORPHAN'), False, warns='video 77', sizes=(2, 1)
    ),
    'length_field_wrong': EdgeCase(
        _wrong_lengths, ('LENGTH_FIELD',), False, warns='5 for 3 files'
    ),
    'ann_lists_short': EdgeCase(
        _short_lists, ('LIST_LENGTH',), False, 'annotation 1 .*2 entries'
    ),
    'null_disagrees': EdgeCase(
        _null_disagrees, ('NULL_DISAGREES',), False, warns='the mask decides'
    ),
    'bbox_outside': EdgeCase(
        _boxes_outside,
        ('BOX_MISMATCH', 'BOX_OUTSIDE'),
        False,
        warns='taken from the masks',
    ),
    'empty_video': EdgeCase(
        _empty_video,
        ('EMPTY_VIDEO', 'NO_OBJECTS'),
        False,
        warns='video without frames',
        sizes=(1, 1),
    ),
    'no_videos': EdgeCase(_no_videos, ('NO_VIDEOS',), sizes=(0, 0)),
}
