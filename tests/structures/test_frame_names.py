"""Names of frames: which may leave their folder, by spelling or by a link."""

import os
from pathlib import PureWindowsPath

import pytest

from mmvis.structures.annotation_checks import unsafe_file_name
from mmvis.structures.frame_names import OutsideLinks, native_name, outside_target

SAFE = ('a/0.jpg', 'a..b/0..jpg', '.a/0.jpg', 'a\\0.jpg', 'a/b:c.jpg', '12:30/0.jpg')
UNSAFE = (
    '../0.jpg',
    'a/../../0.jpg',
    'a/..',
    '/0.jpg',
    '//host/share/0.jpg',
    'a\\..\\..\\0.jpg',
    '\\0.jpg',
    '\\\\host\\share\\0.jpg',
    'C:\\0.jpg',
    'C:0.jpg',
    'http://host/0.jpg',
    's3://bucket/0.jpg',
    'a/0.jpg\0.png',
)


def test_spelling():
    assert [name for name in SAFE if unsafe_file_name(name)] == []
    assert [name for name in UNSAFE if not unsafe_file_name(name)] == []
    for name in SAFE:  # joined by either system, they stay
        assert os.path.normpath(f'/root/{name}').startswith('/root/')
        assert PureWindowsPath('R:/root', name).is_relative_to('R:/root')


@pytest.fixture
def folder(tmp_path):
    """A folder behind a link, with links of all kinds in it."""
    outside, root = tmp_path / 'outside', tmp_path / 'disk' / 'frames'
    for place in (outside / 'v', root / 'plain', root / 'mixed' / 'deep'):
        place.mkdir(parents=True)
        (place / '0.png').touch()
    # A neighbour whose name begins like the folder's.
    (tmp_path / 'disk' / 'frames_more').mkdir()
    (root / 'video_out').symlink_to(outside / 'v')
    (root / 'relative_out').symlink_to('../../outside')
    (root / 'chain').symlink_to('video_out')
    (root / 'video_in').symlink_to('plain')
    (root / 'neighbour').symlink_to(tmp_path / 'disk' / 'frames_more')
    (root / 'mixed' / 'out.png').symlink_to(outside / 'v' / '0.png')
    (root / 'mixed' / 'in.png').symlink_to('../plain/0.png')
    (root / 'mixed' / 'nowhere.png').symlink_to(outside / 'none.png')
    (tmp_path / 'frames').symlink_to(root)
    return tmp_path / 'frames'


LEAVES = {
    'plain/0.png': None,
    'plain/none.png': None,
    'none/none.png': None,
    'mixed/deep/0.png': None,
    'mixed/in.png': None,
    'video_in/0.png': None,
    'mixed/out.png': 'outside/v/0.png',
    'mixed/nowhere.png': 'outside/none.png',
    'video_out/0.png': 'outside/v/0.png',
    'relative_out/v/0.png': 'outside/v/0.png',
    'chain/0.png': 'outside/v/0.png',
    'neighbour/0.png': 'disk/frames_more/0.png',
    'video_out': 'outside/v',
}


def test_links(folder, tmp_path, monkeypatch):
    links = OutsideLinks(str(folder))
    for name, leaves in LEAVES.items():
        target = None if leaves is None else str(tmp_path / leaves)
        assert outside_target(str(folder), name) == target
        assert links.target(name) == target
    assert OutsideLinks(str(tmp_path / 'none')).target('a/0.png') is None
    monkeypatch.setenv('MMVIS_FOLLOW_LINKS', '1')
    assert not any(OutsideLinks(str(folder)).target(name) for name in LEAVES)


def test_the_folder_may_be_empty_or_the_root(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for place in ('', '.'):
        assert OutsideLinks(place).target('plain/0.png') is None
        assert OutsideLinks(place).target('chain/0.png')
    assert outside_target('/', str(folder / 'chain/0.png')[1:]) is None


def test_names_of_any_script(tmp_path):
    folder = tmp_path / 'frames'
    folder.mkdir()
    (folder / native_name('犬')).symlink_to(tmp_path)
    assert OutsideLinks(str(folder)).target('犬/0.png') == str(tmp_path / '0.png')
