"""Files as people have them: one oddity each, on the set of ``edge_cases``."""

import cv2
import numpy as np
from data_factory import VISSet, list_rle, make_annotation, string_rle, write_frame
from edge_cases import HEIGHT, WIDTH, EdgeCase
from PIL import Image


def annotation(s: VISSet, index: int = 0) -> dict:
    return s.content['annotations'][index]


def frame_path(s: VISSet, frame: int, video: int = 0):
    return s.root / s.prefix / s.content['videos'][video]['file_names'][frame]


def rename_frames(s: VISSet, names: list[str]) -> None:
    paths = [frame_path(s, frame) for frame in range(3)]
    s.content['videos'][0]['file_names'] = names
    for frame, path in enumerate(paths):
        new = frame_path(s, frame)
        new.parent.mkdir(parents=True, exist_ok=True)
        path.rename(new)


def _python_text(s: VISSet) -> None:
    for mask in annotation(s)['segmentations']:
        mask['counts'] = str(mask['counts'].encode())


def _float_ids(s: VISSet) -> None:
    for record in (*s.content['videos'], *s.content['annotations']):
        for key in ('id', 'video_id', 'category_id'):
            if key in record:
                record[key] = float(record[key])


def _text_video_ids(s: VISSet) -> None:
    for record in s.content['annotations']:
        record['video_id'] = str(record['video_id'])


def _text_category_ids(s: VISSet) -> None:
    for record in s.content['annotations']:
        record['category_id'] = str(record['category_id'])


def _transposed(s: VISSet) -> None:
    """As encode(mask.T) makes them: size and pixels are both exchanged."""
    annotation(s)['segmentations'] = [
        dict(size=[WIDTH, HEIGHT], counts=string_rle(mask.T)) for mask in s.masks[1]
    ]


def _doubled(s: VISSet) -> None:
    annotation(s)['segmentations'] = [
        dict(
            size=[2 * HEIGHT, 2 * WIDTH],
            counts=string_rle(mask.repeat(2, axis=0).repeat(2, axis=1)),
        )
        for mask in s.masks[1]
    ]


def _relative_polygons(s: VISSet) -> None:
    polygons = []
    for x, y, w, h in annotation(s)['bboxes']:
        left, top, right, bottom = (
            x / WIDTH,
            y / HEIGHT,
            (x + w) / WIDTH,
            (y + h) / HEIGHT,
        )
        polygons.append([[left, top, right, top, right, bottom, left, bottom]])
    annotation(s)['segmentations'] = polygons


def _corner_boxes(s: VISSet) -> None:
    annotation(s)['bboxes'] = [
        [x, y, x + w, y + h] for x, y, w, h in annotation(s)['bboxes']
    ]


def _from_one_with_gaps(s: VISSet) -> None:
    rename_frames(s, ['v/1.jpg', 'v/2.jpg', 'v/7.jpg'])


def _windows_paths(s: VISSet) -> None:
    names = s.content['videos'][0]['file_names']
    s.content['videos'][0]['file_names'] = [n.replace('/', '\\') for n in names]


def _windows_drive(s: VISSet) -> None:
    for video in s.content['videos']:
        names = [n.replace('/', '\\') for n in video['file_names']]
        video['file_names'] = [f'C:\\my data\\{name}' for name in names]


def _upper_case(s: VISSet) -> None:
    rename_frames(s, ['V/A.JPG', 'V/B.JPG', 'V/C.JPG'])


def _odd_names(s: VISSet) -> None:
    rename_frames(s, ['-v: 1/50% a:b.jpg', '-v: 1/two\nlines.jpg', '-v: 1/%05d 犬.jpg'])


def _save(s: VISSet, mode: str, suffix: str, frame: int) -> None:
    """Write a frame in another mode of Pillow, under another suffix."""
    path = frame_path(s, frame)
    with Image.open(path) as image:
        image.convert('RGB').convert(mode).save(path.with_suffix(suffix))
    if suffix != '.jpg':
        path.unlink()
    names = s.content['videos'][0]['file_names']
    names[frame] = names[frame].replace('.jpg', suffix)


def _cmyk(s: VISSet) -> None:
    _save(s, 'CMYK', '.jpg', 0)


def _palette(s: VISSet) -> None:
    _save(s, 'P', '.png', 1)


def _sixteen_bits(s: VISSet) -> None:
    names = s.content['videos'][0]['file_names']
    for frame, channels in enumerate((1, 3)):
        path = frame_path(s, frame)
        image = cv2.imread(str(path)).astype(np.uint16) * 257
        path.unlink()
        names[frame] = names[frame].replace('.jpg', '.png')
        write_frame(frame_path(s, frame), image[..., 0] if channels == 1 else image)


def _thousands_of_tracks(s: VISSet) -> None:
    record = annotation(s)
    for number in range(3, 3003):
        s.content['annotations'].append({**record, 'id': number})


def _four_k(s: VISSet) -> None:
    """One frame of 3840x2160: 8 million pixels, and a mask of most of them."""
    del s.content['videos'][0]['file_names'][1:]
    mask = np.zeros((1, 2160, 3840), bool)
    mask[0, 10:, :3800] = True
    s.content['videos'][0].update(height=2160, width=3840, length=1)
    made = make_annotation(mask, id=1, video_id=1, category_id=9, iscrowd=0)
    s.content['annotations'][0] = made
    write_frame(frame_path(s, 0), np.full((2160, 3840, 3), 90, np.uint8))


def _half_of_a_list(s: VISSet) -> None:
    counts = list_rle(s.masks[1][1])
    annotation(s)['segmentations'][1]['counts'] = [float(n) + 0.5 for n in counts]


IN_WHOLE = 'an id is written with a decimal point'
MATCHED = 'ids are text in one list and numbers in the other'
ODD_FILES = {
    'counts_of_python_text': EdgeCase(
        _python_text, ('BAD_SEGM',), False, r'frame 0: .*rle\["counts"\]\.decode\(\)'
    ),
    'float_ids': EdgeCase(_float_ids, ('ID_FORM',), False, warns=IN_WHOLE),
    'video_ids_as_text': EdgeCase(_text_video_ids, ('ID_FORM',), False, warns=MATCHED),
    'category_ids_as_text': EdgeCase(
        _text_category_ids, ('ID_FORM',), False, warns=MATCHED
    ),
    'transposed_masks': EdgeCase(
        _transposed,
        ('BOX_MISMATCH', 'RLE_SIZE'),
        False,
        'width and height are exchanged, the height comes first',
    ),
    'masks_of_another_scale': EdgeCase(
        _doubled,
        ('AREA_MISMATCH', 'BOX_MISMATCH', 'RLE_SIZE'),
        False,
        'made for frames of another scale',
    ),
    'relative_polygons': EdgeCase(
        _relative_polygons, ('BAD_SEGM', 'POLYGON'), False, 'within 0 to 1'
    ),
    'boxes_as_corners': EdgeCase(
        _corner_boxes,
        ('BOX_MISMATCH', 'BOX_OUTSIDE'),
        False,
        warns='boxes are taken from the masks',
    ),
    'frames_from_1_with_gaps': EdgeCase(_from_one_with_gaps),
    'windows_paths': EdgeCase(
        _windows_paths, ('WINDOWS_PATH',), False, warns='backslashes of Windows'
    ),
    'windows_drive': EdgeCase(
        _windows_drive, ('UNSAFE_PATH',), False, 'names are relative'
    ),
    'upper_case_suffix': EdgeCase(_upper_case),
    'odd_names': EdgeCase(_odd_names, ('NON_ASCII', 'UNSORTED')),
    'cmyk_jpeg': EdgeCase(_cmyk),
    'palette_png': EdgeCase(_palette),
    'sixteen_bit_png': EdgeCase(_sixteen_bits, ('GREY',)),
    'thousands_of_tracks': EdgeCase(_thousands_of_tracks),
    'four_k': EdgeCase(_four_k),
    'float_run_lengths': EdgeCase(
        _half_of_a_list, ('BAD_SEGM', 'LIST_RLE'), False, 'flat list of integers'
    ),
}
