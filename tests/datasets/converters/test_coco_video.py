"""COCO files of videos against the sets that they were made of."""

import copy
import json
import random
import re

import numpy as np
import pytest
from data_factory import list_rle, make_vis_dataset

from mmvis.datasets.converters import convert_coco_video
from mmvis.datasets.validation import check_annotation_file, check_frames
from mmvis.structures import AnnotationWarning, read_annotation_file


def to_coco(vis_set) -> dict:
    """A set in the form of mmtracking's CocoVID, shuffled; frame ids have gaps."""
    content = vis_set.content
    coco = dict(categories=content['categories'], images=[], annotations=[], videos=[])
    image_ids = {}
    for video in content['videos']:
        name = video['file_names'][0].split('/')[0]
        coco['videos'].append(dict(id=video['id'], name=name, width=64, height=48))
        for frame, file_name in enumerate(video['file_names']):
            image_ids[video['id'], frame] = len(image_ids) + 70
            coco['images'].append(
                dict(
                    id=image_ids[video['id'], frame],
                    file_name=file_name,
                    video_id=video['id'],
                    frame_id=frame * 3,
                    height=48,
                    width=64,
                )
            )
    for track in content['annotations']:
        for frame, mask in enumerate(track['segmentations']):
            if mask is not None:
                coco['annotations'].append(
                    dict(
                        id=len(coco['annotations']),
                        image_id=image_ids[track['video_id'], frame],
                        video_id=track['video_id'],
                        category_id=track['category_id'],
                        # Unique in its video only.
                        instance_id=track['id'] % 2,
                        iscrowd=track['iscrowd'],
                        segmentation=mask,
                        bbox=track['bboxes'][frame],
                        area=track['areas'][frame],
                    )
                )
    rng = random.Random(0)
    rng.shuffle(coco['images'])
    rng.shuffle(coco['annotations'])
    return coco


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(
        tmp_path,
        categories=((7, 'box'), (3, 'disc')),
        nulls={1: (0,), 4: (0, 1)},
        crowds=(3,),
    )


@pytest.fixture
def coco(vis_set):
    return to_coco(vis_set)


def convert(coco, tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(coco))
    return convert_coco_video(path, tmp_path / 'out.json')


def assert_same_objects(written, content):
    """Videos and objects are equal but for the ids of objects."""
    for video, original in zip(written['videos'], content['videos'], strict=True):
        assert {key: video[key] for key in original} == original
    keys = [key for key in content['annotations'][0] if key != 'id']

    def kept(annotations):
        kept = [{key: a[key] for key in keys} for a in annotations]
        return sorted(kept, key=lambda a: (a['video_id'], a['category_id']))

    assert kept(written['annotations']) == kept(content['annotations'])
    assert [a['id'] for a in written['annotations']] == [1, 2, 3, 4]


def test_a_set_comes_back(vis_set, coco, tmp_path):
    written = convert(coco, tmp_path)
    assert_same_objects(written, vis_set.content)
    assert written['categories'] == vis_set.content['categories']
    path = str(tmp_path / 'out.json')
    videos, findings = check_annotation_file(path)
    findings = list(findings)
    for found in check_frames(videos, str(vis_set.root / vis_set.prefix), 1):
        findings += found
    assert [finding.code for finding in findings] == ['CROWD']
    ours, theirs = read_annotation_file(path), read_annotation_file(vis_set.ann_file)
    assert ours.videos[0]['name'] == 'video_1'
    assert len(ours.annotations) == len(theirs.annotations)


def no_ids(coco):
    """Videos by folder, frames by name, objects as CVAT writes them."""
    del coco['videos']
    for image in coco['images']:
        del image['video_id'], image['frame_id']
    for annotation in coco['annotations']:
        annotation['attributes'] = dict(track_id=annotation.pop('instance_id'))


def annotations_first(coco):
    for key in ('images', 'videos', 'categories'):
        coco[key] = coco.pop(key)


def sizes_of_videos(coco):
    for image in coco['images']:
        del image['height'], image['width']


def other_keys(coco):
    for image in coco['images']:
        image['frame_index'] = image.pop('frame_id')
    for annotation in coco['annotations']:
        annotation['track_id'] = f'track {annotation.pop("instance_id")}'


def missing_boxes(coco):
    for annotation in coco['annotations']:
        for key in ('bbox', 'area', 'video_id', 'id'):
            del annotation[key]


@pytest.mark.parametrize(
    'change', [no_ids, annotations_first, sizes_of_videos, other_keys, missing_boxes]
)
def test_other_forms_of_the_same(vis_set, coco, tmp_path, change):
    change(coco)
    assert_same_objects(convert(coco, tmp_path), vis_set.content)


def test_forms_of_masks(vis_set, coco, tmp_path):
    """Rectangles as polygons of their pixel edges, others as lists of run lengths."""
    image_of = {image['id']: image for image in coco['images']}
    for annotation in coco['annotations']:
        image = image_of[annotation['image_id']]
        number = 2 * image['video_id'] - annotation['instance_id']
        mask = vis_set.masks[number][image['frame_id'] // 3]
        x, y, w, h = annotation['bbox']
        if annotation['area'] == w * h:
            corners = [x, y, x + w, y, x + w, y + h, x, y + h]
            annotation['segmentation'] = [corners]
            annotation['area'] = 1
        else:
            annotation['segmentation'] = dict(size=[48, 64], counts=list_rle(mask))
    assert any(isinstance(a['segmentation'], list) for a in coco['annotations'])
    assert any(isinstance(a['segmentation'], dict) for a in coco['annotations'])
    assert_same_objects(convert(coco, tmp_path), vis_set.content)


def test_what_is_not_seen(vis_set, coco, tmp_path):
    """Empty masks are null, frames and videos without objects stay."""
    for annotation in coco['annotations']:
        if annotation['instance_id'] == 0:  # objects 2 and 4
            annotation['segmentation'] = []
    keep = [a for a in coco['annotations'] if a['video_id'] == 1]
    coco['annotations'] = keep
    coco['videos'].append(dict(id=9, name='empty'))
    with pytest.warns(AnnotationWarning, match=r'1 videos without images.*first 9'):
        written = convert(coco, tmp_path)
    assert written['videos'] == [
        video | dict(name=f'video_{video["id"]}') for video in vis_set.content['videos']
    ]
    (annotation,) = written['annotations']
    original = vis_set.content['annotations'][0]
    assert annotation['segmentations'] == original['segmentations']
    assert annotation['areas'][0] is None


def changed(records, position, **change):
    records[position] = {
        key: value
        for key, value in (records[position] | change).items()
        if value is not ...
    }


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


def test_many_instances_keep_their_masks(tmp_path):
    """Against a table drawn at random: video, instance and frame of each mask."""
    rng = np.random.default_rng(0)
    coco = dict(images=[], annotations=[], categories=[dict(id=5, name='dot')])
    table = {}
    for image in range(60):
        video = f'v{image % 7}'
        coco['images'].append(
            dict(id=image, file_name=f'{image}.png', video_id=video, height=6, width=7)
        )
        for instance in np.flatnonzero(rng.random(5) < 0.4).tolist():
            x = len(coco['annotations']) % 40 + 1
            rle = dict(size=[6, 7], counts=[x, 1, 41 - x])
            coco['annotations'].append(
                dict(
                    id=len(table),
                    image_id=image,
                    instance_id=instance,
                    category_id=5,
                    segmentation=rle,
                )
            )
            table[f'{image}.png', instance] = [x // 6, x % 6, 1, 1]
    written = convert(coco, tmp_path)
    names = {video['id']: video['file_names'] for video in written['videos']}
    assert list(names) == [f'v{n}' for n in range(7)]
    found = {
        (name, annotation['instance_id']): box
        for annotation in written['annotations']
        for name, box in zip(
            names[annotation['video_id']], annotation['bboxes'], strict=True
        )
        if box is not None
    }
    assert found == table
