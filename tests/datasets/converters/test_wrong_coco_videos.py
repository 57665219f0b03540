"""What is wrong with a COCO file of videos is told in one sentence."""

import copy
import re

import pytest
from coco_making import changed, convert, to_coco
from data_factory import make_vis_dataset

from mmvis.datasets.converters import convert_coco_video


@pytest.fixture
def coco(tmp_path):
    return to_coco(make_vis_dataset(tmp_path, categories=((7, 'box'), (3, 'disc'))))


def same_frame_id(coco):
    numbers = [n for n, i in enumerate(coco['images']) if i['video_id'] == 2]
    changed(coco['images'], numbers[1], frame_id=3)
    changed(coco['images'], numbers[0], frame_id=3)


WRONG = {
    'there is no list "images"': lambda c: c.pop('images'),
    r'image \d+ of video \d has no "file_name"': lambda c: changed(
        c['images'], 2, file_name=...
    ),
    r"image \d+ .*'\.\./up.png' may lead out": lambda c: changed(
        c['images'], 2, file_name='../up.png'
    ),
    'the list "images" is empty': lambda c: c.update(images=[], annotations=[]),
    'two categories have the id 7': lambda c: changed(c['categories'], 1, id=7),
    "two categories have the name 'box'": lambda c: changed(
        c['categories'], 1, name='box'
    ),
    'element 1 of "categories", id 3, has no "name"': lambda c: changed(
        c['categories'], 1, name=...
    ),
    'element 0 of "categories", id 7, has no "name"': lambda c: changed(
        c['categories'], 0, name=' '
    ),
    """element 1 of "categories" has the "id" '3': ids of .* whole numbers""": (
        lambda c: [
            changed(c['categories'], 1, id='3'),
            *(
                changed(c['annotations'], n, category_id='3')
                for n, a in enumerate(c['annotations'])
                if a['category_id'] == 3
            ),
        ]
    ),
    'two videos have the id 2': lambda c: c['videos'].append(dict(id=2)),
    'element 1 of "videos" has the "id" None': lambda c: changed(
        c['videos'], 1, id=...
    ),
    r'the "video_id" of image \d+ .* is no number': lambda c: changed(
        c['images'], 3, video_id=[1]
    ),
    """annotation .*: "iscrowd" is '0', neither 0 nor 1""": lambda c: changed(
        c['annotations'], 3, iscrowd='0'
    ),
    r'instance of annotation 3 in .*: the run lengths add up to 5': lambda c: changed(
        c['annotations'],
        3,
        iscrowd=1,
        instance_id=...,
        segmentation=dict(size=[48, 64], counts=[5]),
    ),
    'has no "id" of its own': lambda c: changed(
        c['images'], 2, id=c['images'][0]['id']
    ),
    '6 of 7 images have a "video_id"': lambda c: changed(c['images'], 2, video_id=...),
    'of video 1 have a "frame_id"': lambda c: [
        changed(c['images'], n, frame_id=...)
        for n in [n for n, i in enumerate(c['images']) if i['video_id'] == 1][:2]
    ],
    'two images of video 2 have one "frame_id"': same_frame_id,
    r'is of size \[48, 63\] .*video of \[48, 64\]|\[48, 64\].*\[48, 63\]': lambda c: (
        changed(c['images'], 2, width=63)
    ),
    r'annotation \d+ is of image 5, which': lambda c: changed(
        c['annotations'], 3, image_id=5
    ),
    'is of category 8, which is not listed': lambda c: changed(
        c['annotations'], 3, category_id=8
    ),
    'has no "instance_id" or "track_id"': lambda c: changed(
        c['annotations'], 3, instance_id=...
    ),
    'has no "segmentation": masks are needed': lambda c: changed(
        c['annotations'], 3, segmentation=...
    ),
    r'instance \d is of category \d here and of \d before': lambda c: [
        changed(
            c['annotations'], 0, category_id=10 - c['annotations'][0]['category_id']
        )
    ],
    r'instance \d is in this image twice': lambda c: c['annotations'].append(
        c['annotations'][4] | dict(id=99)
    ),
    r"instance \d in 'video_\d/\d+.png': a polygon has 2 points": lambda c: changed(
        c['annotations'], 3, segmentation=[[1, 2, 3, 4]]
    ),
    r'instance \d in .*: the RLE is of size \[64, 48\]': lambda c: changed(
        c['annotations'], 3, segmentation=dict(size=[64, 48], counts=[64 * 48])
    ),
    r'instance \d in .*: the run lengths add up to 5': lambda c: changed(
        c['annotations'], 3, segmentation=dict(size=[48, 64], counts=[5])
    ),
}


@pytest.mark.parametrize('message', WRONG)
def test_what_is_wrong_is_one_sentence(coco, tmp_path, message):
    coco = copy.deepcopy(coco)
    WRONG[message](coco)
    with pytest.raises(ValueError) as raised:
        convert(coco, tmp_path)
    said = str(raised.value)
    assert said.startswith(f"'{tmp_path / 'coco.json'}': ")
    assert re.search(message, said) and said.endswith('.') and '\n' not in said
    assert not (tmp_path / 'out.json').exists()


def test_json_that_is_none(tmp_path):
    (tmp_path / 'coco.json').write_text('{"images": [')
    with pytest.raises(ValueError, match=r'line 1, column 13'):
        convert_coco_video(tmp_path / 'coco.json', tmp_path / 'out.json')
    with pytest.raises(FileNotFoundError, match=r"no file '.*none.json'"):
        convert_coco_video(tmp_path / 'none.json', tmp_path / 'out.json')
