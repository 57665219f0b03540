"""Reading annotation files: masks, order of members, refusals, memory."""

import json
import tracemalloc

import numpy as np
import pytest
from data_factory import make_vis_dataset

from mmvis.structures import AnnotationWarning, json_stream, read_annotation_file
from mmvis.structures.rle import decode_masks


def read(vis_set):
    return read_annotation_file(str(vis_set.ann_file))


@pytest.mark.parametrize('list_counts', [False, True])
def test_masks_boxes_and_areas(tmp_path, list_counts):
    vis_set = make_vis_dataset(tmp_path, nulls={2: [0, 3]}, list_counts=list_counts)
    found = read(vis_set)
    assert [video['length'] for video in found.videos] == [4, 3]
    assert [c['name'] for c in found.categories] == ['box', 'disc']
    assert found.info == {'description': 'generated'}
    for annotation in found.annotations:
        masks = vis_set.masks[annotation['id']]
        for frame, mask in enumerate(masks):
            rle = annotation['segmentations'][frame]
            if not mask.any():
                assert rle is annotation['bboxes'][frame] is None
                assert annotation['areas'][frame] is None
                continue
            assert type(rle['counts']) is bytes
            assert (decode_masks([rle], 48, 64)[0] == mask).all()
            rows, columns = np.nonzero(mask)
            x, y = columns.min(), rows.min()
            box = [x, y, columns.max() + 1 - x, rows.max() + 1 - y]
            assert annotation['bboxes'][frame] == box
            assert annotation['areas'][frame] == mask.sum()


def test_order_of_members_does_not_matter(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    expected = read(vis_set)
    vis_set.content = dict(reversed(vis_set.content.items()))
    vis_set.write()
    assert next(iter(vis_set.content)) == 'annotations'
    assert read(vis_set) == expected


def test_boxes_and_areas_may_be_left_out(tmp_path):
    vis_set = make_vis_dataset(tmp_path, nulls={1: [1]})
    expected = read(vis_set)
    for annotation in vis_set.content['annotations']:
        del annotation['bboxes'], annotation['areas'], annotation['length']
        del annotation['height'], annotation['width'], annotation['iscrowd']
    vis_set.write()
    found = read(vis_set)
    for a, b in zip(found.annotations, expected.annotations, strict=True):
        assert {key: a[key] for key in b} == b


def test_areas_of_the_file_are_kept(tmp_path):
    # The official protocol takes the areas of ground truth from the file.
    vis_set = make_vis_dataset(tmp_path)
    vis_set.content['annotations'][0]['areas'][1] = 12345.5
    vis_set.write()
    assert read(vis_set).annotations[0]['areas'][1] == 12345.5


def test_further_members_are_kept(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    vis_set.content['videos'][1]['attributes'] = ['blur']
    vis_set.content['annotations'][0]['occlusion'] = ['no_occlusion'] * 4
    vis_set.write()
    found = read(vis_set)
    assert found.videos[1]['attributes'] == ['blur']
    assert found.annotations[0]['occlusion'] == ['no_occlusion'] * 4


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (('videos', 0, 'file_names', 2), '../../secret.png', r'video 1, frame 2.*\.\.'),
        (('videos', 1, 'file_names', 0), '/etc/passwd', r'video 2, frame 0'),
        (('videos', 1, 'file_names', 0), 'C:\\x.png', r'video 2, frame 0'),
        (('videos', 1, 'file_names', 0), 'a\\..\\..\\x.png', r'video 2, frame 0'),
        (('videos', 1, 'file_names', 0), 7, r'video 2 has no list "file_names"'),
        (('videos', 1, 'file_names'), None, r'video 2 has no list "file_names"'),
        (('videos', 0, 'height'), 0, r'video 1 has no "height"'),
        (('videos', 0, 'height'), 48.5, r'video 1 has no "height"'),
        (('videos', 0), 'x', r'element 0 of "videos" is not an object'),
        (('videos',), {}, r'"videos" is not a list'),
        (('categories', 1, 'id'), 1, r"'disc' occurs twice"),
        (('categories', 1, 'name'), '', r'element 1 of "categories"'),
        (('annotations', 1, 'id'), None, r'annotation None.* "id"'),
        (('annotations', 1, 'segmentations'), None, r'annotation 2 .*segmentations'),
        (('annotations', 1, 'areas'), [1], r'annotation 2 .*1 entries in "areas"'),
        (('annotations', 1, 'segmentations', 3), 'x', r'annotation 2 .*, frame 3'),
        (('annotations', 1, 'segmentations', 3, 'counts'), 'h', r'2 .*, frame 3'),
        (('annotations', 1, 'segmentations', 3, 'counts'), '犬', r'2 .*, frame 3'),
        (('annotations', 1, 'segmentations', 3, 'counts'), [-1], r'2 .*, frame 3'),
        (('annotations', 1, 'segmentations', 3, 'counts'), [1.5], r'2 .*, frame 3'),
        (('annotations', 1, 'segmentations', 3, 'size'), [48], r'2 .*, frame 3.*size'),
    ],
)
def test_refusals_name_the_place(tmp_path, place, value, message):
    vis_set = make_vis_dataset(tmp_path)
    target = vis_set.content
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    vis_set.write()
    with pytest.raises(ValueError, match=f'instances.json.*{message}'):
        read(vis_set)


def test_one_warning_a_kind_with_count_and_first_place(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    for annotation in vis_set.content['annotations'][1:]:
        annotation['category_id'] = 7
    vis_set.content['annotations'][0]['length'] = 9
    vis_set.write()
    with pytest.warns(AnnotationWarning) as caught:
        found = read(vis_set)
    assert [annotation['id'] for annotation in found.annotations] == [1]
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == 2
    assert any('3 times, first annotation 2 (video 1): category 7' in t for t in texts)


def test_a_json_of_another_kind_is_refused(tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps({'images': [], 'annotations': []}))
    with pytest.raises(ValueError, match=r'coco.json.*no list "videos"'):
        read_annotation_file(str(path))


def test_memory_stays_far_below_the_parse_tree(tmp_path, monkeypatch):
    """Lists of run lengths never exist for more than an annotation at a time."""
    monkeypatch.setattr(json_stream, 'CHUNK', 1 << 14)
    vis_set = make_vis_dataset(tmp_path, lengths=[1], size=(600, 20), objects=0)
    names = [f'{frame}.png' for frame in range(10)]
    vis_set.content['videos'][0].update(file_names=names, length=10)
    mask = {'size': [600, 20], 'counts': [0, *[1, 2] * 4000]}
    members = dict(video_id=1, category_id=1, segmentations=[mask] * 10)
    vis_set.content['annotations'] = [dict(id=n, **members) for n in range(1, 9)]
    vis_set.write()

    def peak_of(function) -> int:
        tracemalloc.start()
        function()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    whole = peak_of(lambda: json.loads(vis_set.ann_file.read_text()))
    assert peak_of(lambda: read(vis_set)) < 0.4 * whole
