"""The commands that convert, and what the other commands say of their files."""

import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from data_factory import make_vis_dataset

TOOLS = Path(__file__).parents[2] / 'tools' / 'dataset_tools'


def run(tool, *words):
    return runpy.run_path(str(TOOLS / f'{tool}.py'))['main']([str(w) for w in words])


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, suffix='.jpg')


def write_masks(vis_set, folder):
    for video, ids in zip(vis_set.content['videos'], ((1, 2), (3, 4)), strict=True):
        for frame, name in enumerate(video['file_names']):
            values = np.zeros((48, 64), np.uint8)
            for number in ids:
                values[vis_set.masks[number][frame]] = number
            path = folder / Path(name).with_suffix('.png')
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), values)


def write_coco(vis_set, path):
    images = [
        dict(id=name, file_name=name, height=48, width=64, video_id=video['id'])
        for video in vis_set.content['videos']
        for name in video['file_names']
    ]
    names = {v['id']: v['file_names'] for v in vis_set.content['videos']}
    annotations = [
        dict(
            image_id=names[track['video_id']][frame],
            category_id=track['category_id'],
            instance_id=track['id'],
            segmentation=mask,
        )
        for track in vis_set.content['annotations']
        for frame, mask in enumerate(track['segmentations'])
    ]
    categories = vis_set.content['categories']
    content = dict(images=images, annotations=annotations, categories=categories)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize('tool', ['from_mask_folders', 'from_coco_video'])
def test_convert_validate_browse(vis_set, tmp_path, tool, capsys):
    frames, out = tmp_path / vis_set.prefix, tmp_path / 'out.json'
    if tool == 'from_mask_folders':
        write_masks(vis_set, tmp_path / 'masks')
        words = ['--masks', tmp_path / 'masks', '--frames', frames, '--out', out]
    else:
        write_coco(vis_set, tmp_path / 'coco.json')
        words = [tmp_path / 'coco.json', '--out', out]
    assert run(tool, *words) == 0
    count = 1 if tool == 'from_mask_folders' else 2
    said = f'wrote {out}: 2 videos, 7 frames, 4 objects, {count} categories\n'
    assert capsys.readouterr().out == said
    assert run('validate', out) == 0
    assert capsys.readouterr().out == f"'{out}' is in order: 0 faults, 0 notes.\n"
    seen = []
    for ann in (out, vis_set.ann_file):
        folder = tmp_path / f'seen_{ann.stem}'
        words = ['--ann', ann, '--img-prefix', frames, '--out', folder]
        assert run('browse', *words, '--write', 'frames') == 0
        seen.append([path.read_bytes() for path in sorted(folder.rglob('*.png'))])
    assert len(seen[0]) == len(seen[1]) == 7
    if tool == 'from_coco_video':  # ids and categories, too: the same pictures
        assert seen[0] == seen[1]


def test_options_of_masks(vis_set, tmp_path, capsys):
    write_masks(vis_set, tmp_path / 'masks')
    (tmp_path / 'masks/video_1/00005.png').unlink()
    (tmp_path / 'c.csv').write_text('video_1,*,dog\nvideo_2,*,cat\n')
    folders = ['--masks', tmp_path / 'masks', '--frames', tmp_path / vis_set.prefix]
    words = [*folders, '--out', tmp_path / 'out.json']
    options = ['--categories', tmp_path / 'c.csv', '--void', '4', '--all-frames']
    assert run('from_mask_folders', *words, *options, '--workers', '1') == 0
    assert '7 frames, 3 objects, 2 categories' in capsys.readouterr().out
    assert run('from_mask_folders', *words, '--category', 'dog', '--void', 'none') == 0
    assert '6 frames, 4 objects, 1 categories' in capsys.readouterr().out
    for wrong in (['--void', 'x'], ['--category', 'a', '--categories', 'b']):
        with pytest.raises(SystemExit, match='2'):
            run('from_mask_folders', *words, *wrong)


def test_mistakes_are_one_line(tmp_path, capsys):
    out = tmp_path / 'out.json'
    nowhere = tmp_path / 'none'
    words = ['--masks', nowhere, '--frames', tmp_path, '--out', out]
    assert run('from_mask_folders', *words) == 1
    expected = f"from_mask_folders: There is no folder '{nowhere}'.\n"
    assert capsys.readouterr().err == expected
    assert run('from_coco_video', nowhere, '--out', out) == 1
    assert (
        capsys.readouterr().err == f"from_coco_video: There is no file '{nowhere}'.\n"
    )
