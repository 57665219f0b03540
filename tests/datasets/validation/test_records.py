"""Findings on annotation files beyond the 34 edge cases."""

import pytest
from data_factory import make_vis_dataset

from mmvis.datasets.validation import CODES, Finding, check_annotation_file


def change(content: dict, place: tuple, value) -> None:
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = value


def find(vis_set) -> list[Finding]:
    return list(check_annotation_file(str(vis_set.ann_file))[1])


@pytest.mark.parametrize(
    ('place', 'value', 'code', 'where'),
    [
        (('videos', 0, 'id'), None, 'MISSING_KEY', {}),
        (('videos', 1, 'width'), '64', 'MISSING_KEY', dict(video=2)),
        (('videos', 1, 'file_names'), 'x', 'MISSING_KEY', dict(video=2)),
        (
            ('videos', 1, 'file_names', 2),
            '../x.png',
            'UNSAFE_PATH',
            dict(video=2, frame=2),
        ),
        (
            ('videos', 0, 'file_names', 1),
            'video_1/00000.png',
            'DUP_FILE',
            dict(video=1),
        ),
        (('categories', 1, 'id'), 1, 'DUP_CATEGORY', {}),
        (('categories', 1, 'name'), None, 'MISSING_KEY', {}),
        (('annotations', 2, 'id'), None, 'MISSING_KEY', dict(video=2)),
        (
            ('annotations', 0, 'height'),
            64,
            'SIZE_FIELD',
            dict(video=1, annotation=1),
        ),
        (
            ('annotations', 0, 'areas', 2),
            5,
            'AREA_MISMATCH',
            dict(video=1, annotation=1, frame=2),
        ),
        (
            ('annotations', 0, 'bboxes', 2),
            [1, 2],
            'BOX_OUTSIDE',
            dict(video=1, annotation=1, frame=2),
        ),
        (
            ('annotations', 0, 'areas', 2),
            None,
            'NULL_DISAGREES',
            dict(video=1, annotation=1, frame=2),
        ),
        (
            ('annotations', 0, 'bboxes', 2),
            [-2, 5, 20, 20],
            'BOX_OUTSIDE',
            dict(video=1, annotation=1, frame=2),
        ),
        (
            ('annotations', 3, 'segmentations', 1, 'counts'),
            'hello',
            'BAD_SEGM',
            dict(video=2, annotation=4, frame=1),
        ),
        (
            ('annotations', 3, 'segmentations'),
            None,
            'MISSING_KEY',
            dict(video=2, annotation=4),
        ),
        (('annotations', 1), 'x', 'BAD_JSON', {}),
        (('videos',), {}, 'BAD_JSON', {}),
    ],
)
def test_faults_have_code_and_place(tmp_path, place, value, code, where):
    vis_set = make_vis_dataset(tmp_path)
    change(vis_set.content, place, value)
    vis_set.write()
    found = [finding for finding in find(vis_set) if finding.code == code]
    assert found, find(vis_set)
    for key in ('video', 'annotation', 'frame'):
        assert getattr(found[0], key) == where.get(key)
    line = str(found[0])
    assert line.startswith('BROKEN' if found[0].is_broken else 'note')
    assert code in line and '\n' not in line


def test_one_fault_is_one_line(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    first, last = (vis_set.content['annotations'][n] for n in (0, 3))
    # Just beyond what rounding makes of them.
    first['areas'][2] = int(1.05 * first['areas'][2]) + 3
    last['bboxes'][0][0] -= 3
    vis_set.write()
    codes = [finding.code for finding in find(vis_set)]
    assert codes == ['AREA_MISMATCH', 'BOX_MISMATCH']


def test_small_rounding_is_no_fault(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    for annotation in vis_set.content['annotations']:
        annotation['bboxes'] = [
            [x - 0.5, y + 0.7, w + 0.5, h - 0.7] for x, y, w, h in annotation['bboxes']
        ]
        annotation['areas'] = [area * 1.02 for area in annotation['areas']]
    vis_set.write()
    assert find(vis_set) == []


def test_annotations_before_videos(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    change(
        vis_set.content, ('annotations', 0, 'segmentations', 1), [[1, 1, 9, 1, 9, 9]]
    )
    vis_set.write()
    expected = find(vis_set)
    vis_set.content = dict(reversed(vis_set.content.items()))
    vis_set.write()
    assert find(vis_set) == expected
    assert {finding.code for finding in expected} >= {'POLYGON', 'BOX_MISMATCH'}


def test_no_json_at_all(tmp_path):
    path = tmp_path / 'x.json'
    path.write_text('{"videos": [')
    videos, findings = check_annotation_file(str(path))
    assert videos == []
    assert [finding.code for finding in findings] == ['BAD_JSON']


def test_notes_are_not_broken():
    broken = [code for code in CODES if Finding(code, '').is_broken]
    assert 'GREY' not in broken and 'SIZE_MISMATCH' in broken
    assert len(broken) == 23
