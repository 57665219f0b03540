"""Odd files: what `validate --fix` makes of them, and pictures of odd kinds."""

import json
import runpy
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from edge_cases import EDGE_CASES, HEIGHT, WIDTH
from odd_files import ODD_FILES, annotation, frame_path

from mmvis.datasets.transforms import LoadVISFrame
from mmvis.datasets.validation import check_annotation_file, fix_annotation_file
from mmvis.structures import read_annotation_file
from mmvis.structures.odd_masks import is_scaled
from mmvis.structures.rle import decode_masks

VALIDATE = Path(__file__).parents[2] / 'tools' / 'dataset_tools' / 'validate.py'
# What cannot be repaired is left as it is, and found again.
BEYOND_REPAIR = {
    'polygon_two_points',
    'rle_runs_short',
    'video_wh_swapped',
    'duplicate_video_ids',
    'ann_lists_short',
    'float_run_lengths',
}


def fixed_masks(path, number):
    """(frames, h, w) bool of an annotation."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # nothing is left to be repaired
        content = read_annotation_file(str(path))
    found = next(a for a in content.annotations if a['id'] == number)
    height, width = found['height'], found['width']
    return np.stack(
        [
            decode_masks([rle], height, width)[0]
            if rle
            else np.zeros((height, width), bool)
            for rle in found['segmentations']
        ]
    )


@pytest.mark.parametrize('name', [*EDGE_CASES, *ODD_FILES])
def test_fixed_files_are_in_order_and_the_input_is_kept(name, tmp_path):
    vis_set = (EDGE_CASES | ODD_FILES)[name].make(tmp_path)
    before, out = vis_set.ann_file.read_bytes(), tmp_path / 'fixed.json'
    changes = list(fix_annotation_file(vis_set.ann_file, out))
    assert vis_set.ann_file.read_bytes() == before
    findings = list(check_annotation_file(str(out))[1])
    broken = {finding.code for finding in findings if finding.is_broken}
    assert bool(broken) == (name in BEYOND_REPAIR)
    case = (EDGE_CASES | ODD_FILES)[name]
    of_file = list(check_annotation_file(str(vis_set.ann_file))[1])
    if any(f.is_broken for f in of_file) and name not in BEYOND_REPAIR:
        assert changes
    if name == 'baseline':
        assert changes == [] and case.legal
        assert json.loads(out.read_bytes()) == json.loads(before)


@pytest.mark.parametrize(
    'name',
    [
        'counts_of_python_text',
        'transposed_masks',
        'masks_of_another_scale',
        'relative_polygons',
        'float_ids',
        'boxes_as_corners',
    ],
)
def test_fixed_masks_are_those_that_were_meant(name, tmp_path):
    vis_set = ODD_FILES[name].make(tmp_path)
    fix_annotation_file(vis_set.ann_file, tmp_path / 'fixed.json')
    masks = fixed_masks(tmp_path / 'fixed.json', 1)
    assert (masks == vis_set.masks[1]).all() and masks.any()
    record = json.loads((tmp_path / 'fixed.json').read_text())['annotations'][0]
    rows, columns = np.nonzero(vis_set.masks[1][0])
    corner = [columns.min(), rows.min()]
    sides = [np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert record['bboxes'][0] == [*corner, *sides]


def test_an_exchanged_size_without_transposed_pixels(tmp_path):
    vis_set = EDGE_CASES['baseline'].make(tmp_path)
    for mask in annotation(vis_set)['segmentations']:
        mask['size'] = [WIDTH, HEIGHT]
    vis_set.write()
    fix_annotation_file(vis_set.ann_file, tmp_path / 'fixed.json')
    assert (fixed_masks(tmp_path / 'fixed.json', 1) == vis_set.masks[1]).all()
    del annotation(vis_set)['bboxes']  # now nothing tells which is meant
    vis_set.write()
    assert list(fix_annotation_file(vis_set.ann_file, tmp_path / 'fixed.json')) == []
    with pytest.raises(ValueError, match='width and height are exchanged'):
        read_annotation_file(str(tmp_path / 'fixed.json'))


def test_absolute_names_become_relative(tmp_path):
    vis_set = ODD_FILES['windows_drive'].make(tmp_path)
    told = list(fix_annotation_file(vis_set.ann_file, tmp_path / 'fixed.json'))
    assert "6 x UNSAFE_PATH: made relative to 'C:/my data'" in told[0]
    videos = read_annotation_file(str(tmp_path / 'fixed.json')).videos
    assert videos[0]['file_names'][0] == 'video_1/00000.jpg'
    assert (tmp_path / vis_set.prefix / 'video_1/00000.jpg').is_file()


@pytest.mark.parametrize(
    ('size', 'scaled'),
    [
        ([360, 640], True),
        ([2160, 3840], True),
        ([361, 640], True),  # 360.5 rounds either way
        ([360, 600], False),
        ([1280, 720], False),
        ([720, 1280], False),
    ],
)
def test_scales_of_720p(size, scaled):
    assert is_scaled(size, 720, 1280) is scaled


@pytest.mark.parametrize('name', ['cmyk_jpeg', 'palette_png', 'sixteen_bit_png'])
def test_pictures_of_odd_kinds_look_the_same(name, tmp_path):
    plain = EDGE_CASES['baseline'].make(tmp_path / 'plain')
    odd = ODD_FILES[name].make(tmp_path / 'odd')
    for frame in range(3):
        path = str(frame_path(odd, frame))
        seen = LoadVISFrame().transform(dict(img_path=path))['img'].astype(int)
        expected = cv2.imread(str(frame_path(plain, frame))).astype(int)
        if name == 'sixteen_bit_png' and frame == 0:
            expected[...] = expected[..., :1]  # the one channel that was kept
        # A palette has 256 colours of its own; CMYK goes through JPEG once more.
        assert seen.shape == expected.shape
        assert np.abs(seen - expected).mean() < (30 if name == 'palette_png' else 8)


def test_the_command_lists_changes_and_looks_at_the_result(tmp_path, capsys):
    main = runpy.run_path(str(VALIDATE))['main']
    vis_set = ODD_FILES['counts_of_python_text'].make(tmp_path)
    out = tmp_path / 'elsewhere' / 'fixed.json'
    assert main([str(vis_set.ann_file), '--fix', str(out)]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    place = 'annotation 1 of video 1, frame 0'
    what = "counts read from Python's notation of bytes"
    assert first == f'fixed      3 x BAD_SEGM: {what} (first {place})'
    assert second == f"wrote '{out}', which has now:"
    assert last == f"'{out}' is in order: 0 faults, 0 notes."
    assert main([str(vis_set.ann_file), '--fix', str(vis_set.ann_file)]) == 2
    assert 'is never changed' in capsys.readouterr().err
    vis_set = ODD_FILES['float_run_lengths'].make(tmp_path)
    assert main([str(vis_set.ann_file), '--fix', str(out), '--no-images']) == 1
    assert 'BROKEN BAD_SEGM' in capsys.readouterr().out
