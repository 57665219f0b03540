"""Where nothing can be written is said before the first frame, in one sentence."""

import os
from pathlib import Path

import pytest

from mmvis.apis.output_places import check_places
from mmvis.structures.whole_file import whole_file


def check(stem: Path, source: Path | None = None) -> None:
    paths = {
        'mp4': Path(f'{stem}.mp4'),
        'json': Path(f'{stem}.json'),
        'masks': Path(f'{stem}_masks'),
    }
    check_places(paths, stem, source)


def test_folders_are_made_and_files_may_be_there(tmp_path):
    (tmp_path / 'a/x_masks').mkdir(parents=True)
    (tmp_path / 'a/x.mp4').write_text('of an earlier run')
    check(tmp_path / 'a/x', source=tmp_path / 'x.mp4')
    check(tmp_path / 'b/c/x')
    assert (tmp_path / 'b/c').is_dir()
    assert (tmp_path / 'a/x.mp4').read_text() == 'of an earlier run'


def test_places_that_are_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder.mp4').mkdir()
    (tmp_path / 'no_folder_masks').write_text('')
    (tmp_path / 'earlier_masks/0001').mkdir(parents=True)
    for name, words in {
        'file/x': r'file cannot be made \(File exists\)',
        'folder': 'folder.mp4 is a folder',
        'no_folder': 'no_folder_masks is no folder',
        'earlier': 'earlier_masks has files, perhaps of an earlier run',
        'é' * 125: 'ééé... is too long',
    }.items():
        with pytest.raises(ValueError, match=words):
            check(tmp_path / name)
    (tmp_path / 'x.mp4').write_text('the video')
    os.link(tmp_path / 'x.mp4', tmp_path / 'same.mp4')
    with pytest.raises(ValueError, match=r'same\.mp4 is the video itself'):
        check(tmp_path / 'same', source=tmp_path / 'x.mp4')


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # root may write all
    with pytest.raises(ValueError, match='cannot be written to: take another place'):
        check(tmp_path / 'x')


def test_the_longest_name_that_is_taken_can_be_written(tmp_path):
    stem = tmp_path / ('n' * (255 - len('._video.json.12345678.part')))
    check(stem)
    with whole_file(stem.with_name(f'{stem.name}_video.json')) as file:
        file.write('{}')
