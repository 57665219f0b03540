"""The file that converters write: whole, and where it can be written."""

import json
import os
import runpy
from pathlib import Path

import pytest
from coco_making import to_coco
from data_factory import make_vis_dataset
from mask_painting import paint

from mmvis.datasets.converters import convert_coco_video, convert_mask_folders
from mmvis.datasets.converters.records import write_annotation_file

TOOLS = Path(__file__).parents[3] / 'tools' / 'dataset_tools'


def from_masks(root, out):
    convert_mask_folders(root / 'masks', root / 'JPEGImages', out)


def from_coco(root, out):
    convert_coco_video(root / 'coco.json', out)


@pytest.fixture
def root(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    paint(vis_set, tmp_path / 'masks', 'grey')
    (tmp_path / 'coco.json').write_text(json.dumps(to_coco(vis_set)))
    (tmp_path / 'folder').mkdir()
    return tmp_path


@pytest.fixture
def nothing_to_read(root):
    """Whatever is read first would be an error."""
    (root / 'masks').rename(root / 'no masks')
    (root / 'coco.json').unlink()
    return root


@pytest.mark.parametrize('convert', [from_masks, from_coco])
@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('folder', "folder' is a folder: name a json file to write."),
        ('folder/..', "folder/..' is a folder: name a json file to write."),
        ('instances.json/a.json', "a.json' cannot be written: '{}' is no folder."),
        ('instances.json/a/b.json', "b.json' cannot be written: '{}' is no folder."),
        ('n' * 300, 'cannot be written: File name too long.'),
    ],
)
def test_the_place_is_looked_at_first(nothing_to_read, convert, name, message):
    before = sorted(nothing_to_read.rglob('*'))
    with pytest.raises(OSError) as raised:
        convert(nothing_to_read, nothing_to_read / name)
    message = message.format(nothing_to_read / 'instances.json')
    assert str(raised.value).endswith(message)
    assert sorted(nothing_to_read.rglob('*')) == before


def test_a_place_without_a_name(nothing_to_read):
    with pytest.raises(IsADirectoryError, match=r"^'\.' is a folder"):
        from_coco(nothing_to_read, '')


def test_a_folder_that_may_not_be_written(nothing_to_read, monkeypatch):
    """The permissions are not asked of the disk: root may write everywhere."""
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"may not make folders in '.*folder'"):
        from_coco(nothing_to_read, nothing_to_read / 'folder/new/a.json')


@pytest.mark.parametrize('convert', [from_masks, from_coco])
def test_nothing_is_left_over_by_a_mistake(nothing_to_read, convert):
    """Neither folders nor parts; a file that was there stays."""
    before = sorted(nothing_to_read.rglob('*'))
    for name in ('instances.json', 'new.json', 'new/new.json'):
        with pytest.raises(FileNotFoundError, match='There is no'):
            convert(nothing_to_read, nothing_to_read / name)
    assert sorted(nothing_to_read.rglob('*')) == before
    assert json.loads((nothing_to_read / 'instances.json').read_text())['videos']


@pytest.mark.parametrize('convert', [from_masks, from_coco])
def test_folders_are_made(root, convert):
    out = root / 'new/folders/a.json'
    convert(root, out)
    assert json.loads(out.read_text())['videos']
    assert [path.name for path in out.parent.iterdir()] == ['a.json']


def test_a_file_that_cannot_be_made_json_of_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_annotation_file(dict(videos=[b'']), tmp_path / 'a.json')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('workers', ['-1', '0'])
def test_workers_are_at_least_one(root, capsys, workers):
    main = runpy.run_path(str(TOOLS / 'from_mask_folders.py'))['main']
    words = ['--masks', root / 'masks', '--frames', root / 'JPEGImages']
    words += ['--out', root / 'out.json', '--workers', workers]
    assert main([str(word) for word in words]) == 1
    said = f"from_mask_folders: 'workers' is {workers}: at least one thread has to "
    assert capsys.readouterr().err.startswith(said)
