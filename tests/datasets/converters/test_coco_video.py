"""COCO files of videos against the sets that they were made of."""

import json
import re
import warnings

import numpy as np
import pytest
from coco_making import convert, to_coco
from data_factory import list_rle, make_vis_dataset

from mmvis.datasets.converters import convert_coco_video
from mmvis.datasets.converters.coco_lists import CocoLists
from mmvis.datasets.validation import check_annotation_file, check_frames
from mmvis.structures import AnnotationWarning, read_annotation_file


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


@pytest.mark.parametrize('first', ['images', 'annotations'])
def test_polygons_are_kept_small(coco, tmp_path, first):
    """As soon as the size of their image is known; the outcome is the same."""
    for annotation in coco['annotations']:
        x, y, w, h = annotation['bbox']
        corners = [x, y, x + w, y, x + w, y + h, x, y + h]
        annotation['segmentation'] = [corners, corners]
    path = tmp_path / 'polygons.json'
    path.write_text(json.dumps({first: coco[first]} | coco))
    kept = [a['segmentation'] for a in CocoLists(str(path)).annotations]
    of_bytes = [isinstance(m, dict) and type(m['counts']) is bytes for m in kept]
    assert all(of_bytes) if first == 'images' else not any(of_bytes)
    written = convert_coco_video(path, tmp_path / 'out.json')
    areas = {a['bbox'][2] * a['bbox'][3] for a in coco['annotations']}
    converted = [area for a in written['annotations'] for area in a['areas']]
    assert set(converted) - {None} == areas


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


@pytest.mark.parametrize('crowd', [1, True, 1.0])
def test_crowds_without_an_instance(vis_set, coco, tmp_path, crowd):
    """Each is an object of one frame, and another one where others have one."""
    image = next(i for i in coco['images'] if i['video_id'] == 2)
    original = next(a for a in coco['annotations'] if a['image_id'] == image['id'])
    mask = original['segmentation']
    nameless = dict(
        image_id=image['id'], category_id=7, iscrowd=crowd, segmentation=mask
    )
    coco['annotations'] += [nameless, dict(nameless)]
    written = convert(coco, tmp_path)
    assert len(written['annotations']) == 6
    crowds = [a for a in written['annotations'] if 'instance_id' not in a]
    assert len(crowds) == 2
    for record in crowds:
        assert record['iscrowd'] == 1 and type(record['iscrowd']) is int
        seen = [None] * 3
        seen[image['frame_id'] // 3] = mask
        assert record['segmentations'] == seen
    _, findings = check_annotation_file(str(tmp_path / 'out.json'))
    assert {f.code for f in findings} == {'CROWD'}


@pytest.mark.parametrize('position', [0, -1])
def test_a_crowd_in_any_frame_is_one_in_all(coco, tmp_path, position):
    """The first of its annotations in the file, or the last."""
    of_one = [
        a for a in coco['annotations'] if (a['video_id'], a['instance_id']) == (1, 0)
    ]
    assert len(of_one) > 2
    for annotation in coco['annotations']:
        annotation['iscrowd'] = int(annotation is of_one[position])
    written = convert(coco, tmp_path)
    crowds = {
        (a['video_id'], a['instance_id']): a['iscrowd'] for a in written['annotations']
    }
    assert crowds == {(1, 0): 1, (1, 1): 0, (2, 0): 0, (2, 1): 0}


def test_names_without_numbers_of_frames_are_in_natural_order(coco, tmp_path):
    """Folders, which are videos, and files."""
    no_ids(coco)
    for image in coco['images']:
        folder, name = image['file_name'].split('/')
        video = {'video_1': 'v9', 'video_2': 'v10'}[folder]
        image['file_name'] = f'{video}/{int(name[:-4])}.png'
    written = convert(coco, tmp_path)
    assert [video['file_names'] for video in written['videos']] == [
        ['v9/0.png', 'v9/5.png', 'v9/10.png', 'v9/15.png'],
        ['v10/0.png', 'v10/5.png', 'v10/10.png'],
    ]
    assert [video['name'] for video in written['videos']] == ['v9', 'v10']


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


def test_the_file_that_is_read_is_not_replaced(coco, tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(coco))
    (tmp_path / 'link.json').symlink_to(path)
    before = path.read_bytes()
    for out in (path, tmp_path / 'link.json'):
        with pytest.raises(ValueError, match='is the file that is read'):
            convert_coco_video(path, out)
    assert path.read_bytes() == before


def as_text(records, key):
    for record in records:
        record[key] = str(record[key])


def as_float(records, *keys):
    for record in records:
        record.update({key: float(record[key]) for key in keys if key in record})


def of_windows(images):
    for image in images:
        image['file_name'] = image['file_name'].replace('/', '\\')


ODD = {
    r'matched \("video_id"\)': lambda c: as_text(c['images'], 'video_id'),
    r'matched \("image_id"\)': lambda c: as_text(c['annotations'], 'image_id'),
    r'matched \("category_id"\)': lambda c: as_text(c['annotations'], 'category_id'),
    'backslashes of Windows': lambda c: of_windows(c['images']),
    None: lambda c: [
        as_float(c[name], 'id', 'image_id', 'video_id', 'category_id', 'instance_id')
        for name in ('images', 'annotations', 'categories', 'videos')
    ],
}


@pytest.mark.parametrize('told', ODD)
def test_ids_and_names_as_people_have_them(told, tmp_path):
    coco = to_coco(make_vis_dataset(tmp_path))
    plain = convert(coco, tmp_path)
    ODD[told](coco)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', AnnotationWarning)
        assert convert(coco, tmp_path) == plain
    said = [str(w.message) for w in caught if w.category is AnnotationWarning]
    assert len(said) == (told is not None)
    assert told is None or re.search(told, said[0])


def test_boxes_without_a_mask_are_told_of(tmp_path):
    coco = to_coco(make_vis_dataset(tmp_path))
    gone = coco['annotations'][0]['instance_id']
    for annotation in coco['annotations']:
        if annotation['instance_id'] == gone:
            annotation['segmentation'] = []
    with pytest.warns(AnnotationWarning, match='empty "segmentation" and are left out'):
        written = convert(coco, tmp_path)
    assert len(written['annotations']) == 2  # of four: ids are those of a video
