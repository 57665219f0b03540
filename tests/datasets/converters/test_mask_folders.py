"""Folders of masks against the masks that were painted into them."""

import json

import numpy as np
import pytest
from data_factory import make_vis_dataset
from mask_painting import (
    FORMS,
    SIZE,
    convert,
    indexed,
    paint,
    save,
    write_values,
)
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.validation import check_annotation_file, check_frames
from mmvis.structures import AnnotationWarning


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, nulls={2: (1,), 3: (0, 1)}, suffix='.jpg')


def decode(annotation: dict) -> np.ndarray:
    """(frames, h, w) bool."""
    return np.array(
        [
            np.zeros(SIZE, bool) if mask is None else mask_utils.decode(mask) == 1
            for mask in annotation['segmentations']
        ]
    )


@pytest.mark.parametrize('form', [*FORMS, 'folders'])
def test_masks_come_back(vis_set, form):
    paint(vis_set, vis_set.root / 'masks', form)
    written = convert(vis_set, workers=3)
    assert json.loads((vis_set.root / 'out.json').read_text()) == written
    expected = vis_set.content
    for video, original in zip(written['videos'], expected['videos'], strict=True):
        assert {key: video[key] for key in original} == original
    assert [a['id'] for a in written['annotations']] == [1, 2, 3, 4]
    left = dict(vis_set.masks)
    for annotation in written['annotations']:
        (number,) = (
            number
            for number, masks in left.items()
            if masks.shape == decode(annotation).shape
            and (masks == decode(annotation)).all()
        )
        original = expected['annotations'][number - 1]
        keys = ('video_id', 'segmentations', 'bboxes', 'areas', 'iscrowd')
        assert {k: annotation[k] for k in keys} == {k: original[k] for k in keys}
        del left[number]
    names = [a['object'] for a in written['annotations']]
    assert names[:2] == {
        'grey_16_bit': ['300', '600'],
        'colour': ['#008000', '#800000'],
        'own_palettes': ['#008000', '#800000'],
        'transparent': ['#008000', '#800000'],
        'folders': ['object 1', 'object 2'],
    }.get(form, ['1', '2'])


def test_the_file_is_in_order_and_loads(vis_set):
    paint(vis_set, vis_set.root / 'masks', 'index')
    convert(vis_set, category='thing')
    path, prefix = str(vis_set.root / 'out.json'), vis_set.root / vis_set.prefix
    videos, findings = check_annotation_file(path)
    assert not list(findings)
    assert not [f for found in check_frames(videos, str(prefix), 1) for f in found]
    dataset = YouTubeVISDataset(
        ann_file=path, data_prefix=dict(img_path=str(prefix)), pipeline=[]
    )
    assert dataset.metainfo['classes'] == ('thing',)
    shown = [len(image['instances']) for image in dataset.get_data_info(0)['images']]
    assert shown == [2, 1, 2, 2]


@pytest.fixture
def one_video(tmp_path):
    return make_vis_dataset(tmp_path, lengths=(4,))


@pytest.mark.parametrize(
    ('values', 'void', 'objects'),
    [
        ([[0, 1, 255], [2, 0, 255]], 255, ['1', '2']),
        ([[0, 1, 255], [2, 0, 255]], None, ['1', '2', '255']),
        ([[0, 1, 7], [2, 0, 255]], 7, ['1', '2', '255']),
        ([[0, 0, 255], [255, 0, 255]], 255, ['255']),  # as of DAVIS 2016
        ([[10, 9, 0]], 255, ['9', '10']),
        ([[0]], 255, []),
    ],
)
def test_void(one_video, values, void, objects):
    write_values(one_video, values, 'grey')
    written = convert(one_video, void=void)
    assert [a['object'] for a in written['annotations']] == objects
    assert written['videos'][0]['length'] == len(values)
    if objects[:1] == ['1']:
        assert written['annotations'][0]['areas'] == [SIZE[0] * SIZE[1] // 3, None]


def test_colours_decide_where_palettes_differ(one_video):
    """Also for entries of one colour, and for frames of another form."""
    third, red, green = SIZE[0] // 3, [200, 0, 0], [0, 200, 0]
    palettes = ([[0, 0, 0], red, green], [[0, 0, 0], red, red], [green, red, [0] * 3])
    values = np.repeat(np.arange(3, dtype=np.uint8), third)
    values = np.repeat(values[:, None], SIZE[1], axis=1)
    folder = one_video.root / 'masks/video_1'
    for frame, palette in enumerate(palettes):
        image = indexed(values, np.array(palette, np.uint8))
        save(image, folder / f'{5 * frame:05d}.png')
    colours = np.broadcast_to(np.array(green, np.uint8), (*SIZE, 3))
    save(Image.fromarray(colours), folder / '00015.png')
    written = convert(one_video)
    area = third * SIZE[1]
    assert {a['object']: a['areas'] for a in written['annotations']} == {
        '#c80000': [area, 2 * area, area, None],
        '#00c800': [area, None, area, 3 * area],
    }


def test_only_annotated_frames_in_natural_order(one_video):
    folder = one_video.root / one_video.prefix / 'video_1'
    for path, name in zip(sorted(folder.iterdir()), (9, 10, 100, 11), strict=True):
        path.rename(folder / f'frame{name}.PNG')
    (folder / '.hidden.png').write_bytes(b'')
    for number in (10, 100, 9):
        image = indexed(np.full(SIZE, number % 3, np.uint8))  # 1, 1, 0
        save(image, one_video.root / 'masks' / 'video_1' / f'frame{number}.png')
    written = convert(one_video)
    assert written['videos'][0]['file_names'] == [
        f'video_1/frame{number}.PNG' for number in (9, 10, 100)
    ]
    assert written['annotations'][0]['areas'] == [None, 3072, 3072]
    written = convert(one_video, all_frames=True)
    names = [f'video_1/frame{number}.PNG' for number in (9, 10, 11, 100)]
    assert written['videos'][0]['file_names'] == names
    assert written['annotations'][0]['areas'] == [None, 3072, None, 3072]


def test_videos_are_in_natural_order(vis_set):
    paint(vis_set, vis_set.root / 'masks', 'grey')
    for folder in (vis_set.root / 'masks', vis_set.root / vis_set.prefix):
        (folder / 'video_1').rename(folder / 'v10')
        (folder / 'video_2').rename(folder / 'v9')
    written = convert(vis_set)
    assert [(v['id'], v['name']) for v in written['videos']] == [(1, 'v9'), (2, 'v10')]


CATEGORY_FILES = {
    'c.csv': 'video,object,category\nvideo_1,1,dog\nvideo_1,2,"a, cat"\nvideo_2,*,dog',
    'c.json': {'video_1': {'1': 'dog', '*': 'a, cat'}, 'video_2': 'dog'},
    'meta.json': {
        'videos': {
            'video_1': {'objects': {'1': {'category': 'dog', 'frames': ['00000']}}},
            'video_2': {'objects': {'1': {'category': 'dog'}}},
        }
    },
}
for record, name in (('video_1', 'a, cat'), ('video_2', 'dog')):
    objects = CATEGORY_FILES['meta.json']['videos'][record]['objects']
    objects['2'] = {'category': name}


@pytest.mark.parametrize('name', CATEGORY_FILES)
def test_categories(vis_set, name):
    paint(vis_set, vis_set.root / 'masks', 'grey')
    content, path = CATEGORY_FILES[name], vis_set.root / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    written = convert(vis_set, categories=path)
    # In alphabetical order, whatever the file's.
    assert written['categories'] == [
        dict(id=1, name='a, cat'),
        dict(id=2, name='dog'),
    ]
    assert [a['category_id'] for a in written['annotations']] == [2, 1, 2, 2]


def test_an_object_that_is_never_seen_may_have_an_empty_folder(one_video):
    folder = one_video.root / 'masks/video_1'
    save(indexed(np.ones(SIZE, np.uint8)), folder / 'dog/00005.png')
    (folder / 'cat').mkdir()
    (folder / 'cat/.hidden').write_bytes(b'')
    written = convert(one_video)
    assert [a['object'] for a in written['annotations']] == ['dog']


def test_videos_without_masks_are_told(vis_set):
    write_values(vis_set, [[0, 1]])
    with pytest.warns(AnnotationWarning, match='1 videos without masks.*video_2'):
        assert len(convert(vis_set)['videos']) == 1
