"""The command that writes SynthVIS, and splits that were cut short or extended."""

import importlib.util
import json
from pathlib import Path

import pytest

from mmvis.datasets.synth_vis import drawing, write_split

SCRIPT = Path(__file__).parents[2] / 'tools/dataset_tools/synth_vis.py'


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('synth_vis_command', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def info(root, split):
    return json.loads((root / split / 'instances.json').read_text())['info']


def test_both_splits_are_written_and_left_alone(main, tmp_path, capsys):
    command = f'--out {tmp_path} --train 2 --valid 1 --workers 1'.split()
    assert main(command) == 0
    assert [info(tmp_path, s)['seed'] for s in ('train', 'valid')] == [0, 1]
    assert [info(tmp_path, s)['num_videos'] for s in ('train', 'valid')] == [2, 1]
    json_file = tmp_path / 'train/instances.json'
    assert capsys.readouterr().out.splitlines()[0] == f'wrote {json_file}'
    before = json_file.stat().st_mtime_ns
    assert main(command) == 0
    assert json_file.stat().st_mtime_ns == before
    assert capsys.readouterr().out.count('is there already') == 2
    (tmp_path / 'train/JPEGImages/0001/00002.png').unlink()
    assert main(command) == 0
    assert capsys.readouterr().out.count('is there already') == 1


def test_another_benchmark_needs_overwrite(main, tmp_path, capsys):
    command = f'--out {tmp_path} --train 0 --valid 1 --workers 1'.split()
    assert main(command) == 0
    assert main([*command, '--seed', '3']) == 1
    assert 'another split' in capsys.readouterr().err
    assert main([*command, '--seed', '3', '--overwrite']) == 0
    assert info(tmp_path, 'valid')['seed'] == 7
    assert not (tmp_path / 'train').exists()


@pytest.mark.parametrize(
    ('options', 'code', 'message'),
    [
        ('--preset huge', 2, 'invalid choice'),
        ('--train -1', 1, 'at least one video'),
        ('', 2, '--out'),
    ],
)
def test_mistakes_are_named(main, tmp_path, capsys, options, code, message):
    command = [*options.split(), *([] if not options else ['--out', str(tmp_path)])]
    try:
        answer = main(command)
    except SystemExit as stop:
        answer = stop.code
    assert answer == code
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(main, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main(f'--out {tmp_path / "file"} --train 1'.split()) == 1
    assert 'file' in capsys.readouterr().err


def test_the_first_videos_of_a_longer_split_are_the_same(tmp_path):
    short = write_split(tmp_path / 'short', 'valid', 1, workers=1, progress=False)
    longer = write_split(tmp_path / 'longer', 'valid', 2, workers=1, progress=False)
    one, two = json.loads(short.read_text()), json.loads(longer.read_text())
    assert two['videos'][:1] == one['videos']
    assert two['annotations'][: len(one['annotations'])] == one['annotations']
    frame = 'JPEGImages/0000/00007.png'
    assert (short.parent / frame).read_bytes() == (longer.parent / frame).read_bytes()


def test_an_interrupted_split_is_written_again(tmp_path, monkeypatch):
    generate = drawing.generate_video

    def interrupted(version, split, seed, index, preset):
        if index:
            raise KeyboardInterrupt
        return generate(version, split, seed, index, preset)

    with monkeypatch.context() as patch:
        patch.setattr(drawing, 'generate_video', interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_split(tmp_path, 'train', 2, workers=1, progress=False)
    assert (tmp_path / 'train/JPEGImages/0000').is_dir()
    assert not (tmp_path / 'train/instances.json').exists()
    path = write_split(tmp_path, 'train', 2, workers=1, progress=False)
    assert len(json.loads(path.read_text())['videos']) == 2


def test_a_wrong_preset_removes_nothing(tmp_path):
    path = write_split(tmp_path, 'train', 1, workers=1, progress=False)
    with pytest.raises(ValueError, match="no preset 'huge'"):
        write_split(tmp_path, 'train', 1, 'huge', overwrite=True)
    assert path.exists()
