"""python -m mmvis: files, exit codes, messages."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import video_models
from inferencers import images, write_folder, write_video
from model_factory import finding_config
from video_reader import read_video

from mmvis.apis import video_session
from mmvis.apis.command import main, make_parser
from mmvis.apis.jobs import source_of
from mmvis.evaluation import check_submission


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    """A folder with a config, its weights and a video."""
    folder = tmp_path_factory.mktemp('command')
    cfg = finding_config()
    state = video_models.masktrack_rcnn().state_dict()
    cfg.dump(folder / 'c.py')
    meta = dict(dataset_meta=dict(classes=tuple('abcdefgh')))
    torch.save(dict(state_dict=state, meta=meta), folder / 'w.pth')
    write_video(folder / 'v.mp4', images(4))
    return folder


def run(folder: Path, *words: object, video: str = 'v.mp4', weights: str = 'w.pth'):
    arguments = [video, '--config', 'c.py', '--weights', weights, '--device', 'cpu']
    return main([*arguments, *map(str, words)])


def test_writes_what_is_asked_for(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert run(place) == 0
    said = capsys.readouterr().out
    files = sorted(p.name for p in Path('v_mmvis').iterdir())
    assert files == ['v.json', 'v.mp4', 'v_video.json']
    assert all(f'wrote v_mmvis/{name}' in said for name in files)
    assert len(read_video('v_mmvis/v.mp4')[0]) == 4
    about = json.loads(Path('v_mmvis/v_video.json').read_text())
    assert [c['name'] for c in about['categories']] == [*'abcdefgh']

    options = ['--out', 'x/y.mp4', '--save', 'json', 'masks', 'sheet', '--score', 0]
    assert run(place, *options, '--classes', 'a', 'b', '--chunk', 3) == 0
    assert {p.name for p in Path('x').iterdir()} >= {'y.json', 'y_sheet.jpg'}
    tracks = json.loads(Path('x/y.json').read_text())
    assert {track['category_id'] for track in tracks} <= {1, 2}
    assert check_submission('x/y.json', 'x/y_video.json') == []


def other_model(folder: Path) -> str:
    torch.save({'state_dict': {'a.b': torch.zeros(2)}}, folder / 'other.pth')
    return 'other.pth'


def pickled_code(folder: Path) -> str:
    torch.save({'state_dict': {}, 'path': Path('x')}, folder / 'code.pth')
    return 'code.pth'


def text_file(folder: Path) -> str:
    (folder / 'text.mp4').write_text('not a video')
    return 'text.mp4'


def empty_folder(folder: Path) -> str:
    (folder / 'nothing').mkdir()
    return 'nothing'


@pytest.mark.parametrize(
    ('make', 'code', 'words'),
    [
        (lambda p: dict(video='no.mp4'), 3, ['no.mp4 does not exist']),
        (lambda p: dict(video=text_file(p)), 4, ['text.mp4 cannot be opened']),
        (lambda p: dict(video=empty_folder(p)), 5, ['nothing has no images']),
        (lambda p: dict(weights='no.pth'), 6, ['no.pth does not exist']),
        (
            lambda p: dict(weights=other_model(p)),
            6,
            ['other.pth is not of the model', 'and 1', 'more.', 'another model'],
        ),
        (
            lambda p: dict(weights=pickled_code(p)),
            6,
            ['code.pth was not loaded', 'any code', 'plain weights'],
        ),
    ],
)
def test_exit_codes_and_messages(
    tmp_path, place, monkeypatch, capsys, make, code, words
):
    monkeypatch.chdir(place)
    given = {key: str(value) for key, value in make(tmp_path).items()}
    given = {
        key: str(tmp_path / value) if (tmp_path / value).exists() else value
        for key, value in given.items()
    }
    assert run(place, **given) == code
    said = capsys.readouterr().err
    assert said.startswith('mmvis: error: ') and said.count('\n') == 1
    assert all(word in said for word in words), said


def test_five_keys_of_weights_that_do_not_fit(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    run(place, weights=str(tmp_path / other_model(tmp_path)))
    assert capsys.readouterr().err.count(' is missing') == 5


@pytest.mark.parametrize(
    ('options', 'code', 'words'),
    [
        (['--device', 'cuda:77'], 7, 'The device cuda:77 cannot be used'),
        (['--classes', 'wolf'], 1, "no class 'wolf'"),
        (['--chunk', '0'], 1, 'chunk is a number of frames'),
        (['--fps', '0'], 1, 'fps must be from'),
        (['--fps', 'inf'], 1, 'fps must be from'),
        (['--score', 'nan'], 1, 'score is a number from 0 to 1'),
        (['--config', 'w.pth'], 1, 'w.pth is no config'),
    ],
)
def test_other_mistakes(place, monkeypatch, capsys, options, code, words):
    monkeypatch.chdir(place)
    assert run(place, '--out', 'mistakes', *options) == code
    said = capsys.readouterr()
    assert words in said.err and not said.out


@pytest.mark.parametrize('out', ['o/a.avi', 'b.JSON'])
def test_other_kinds_of_files_are_no_folders(place, monkeypatch, capsys, out):
    monkeypatch.chdir(place)
    assert run(place, '--out', out) == 1
    assert 'written as mp4: give NAME.mp4' in capsys.readouterr().err
    assert not Path(out).exists()


@pytest.mark.parametrize('out', ['.', 'link.mp4'])
def test_the_video_itself_is_not_overwritten(place, tmp_path, monkeypatch, capsys, out):
    content = (place / 'v.mp4').read_bytes()
    (tmp_path / 'v.mp4').write_bytes(content)
    (tmp_path / 'link.mp4').symlink_to('v.mp4')
    monkeypatch.chdir(tmp_path)
    config, weights = str(place / 'c.py'), str(place / 'w.pth')
    words = ['v.mp4', '--config', config, '--weights', weights, '--out', out]
    assert main([*words, '--device', 'cpu']) == 1
    assert 'is the video itself' in capsys.readouterr().err
    assert (tmp_path / 'v.mp4').read_bytes() == content


def test_without_out_files_are_called_like_the_source(place, tmp_path, monkeypatch):
    folder = write_folder(tmp_path / 'take.2', images(1))
    monkeypatch.chdir(folder)
    options = ['--config', str(place / 'c.py'), '--weights', str(place / 'w.pth')]
    assert main(['.', *options, '--device', 'cpu', '--save', 'json']) == 0
    names = [path.name for path in Path('take.2_mmvis').iterdir()]
    assert sorted(names) == ['take.2.json', 'take.2_video.json']


def test_a_config_that_is_not_there(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main(['v.mp4', '--config', 'stmask_r5']) == 3
    assert 'Did you mean stmask_r50' in capsys.readouterr().err


def test_a_damaged_frame(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    folder = write_folder(tmp_path / 'frames', images(4))
    (folder / '3.png').write_bytes(b'')
    out = tmp_path / 'out'
    assert run(place, '--out', out, video=str(folder)) == 1
    assert 'Frame 2' in capsys.readouterr().err
    assert len(read_video(out / 'frames.mp4')[0]) == 2  # what came before is whole
    assert run(place, '--out', out, '--on-error', 'skip', video=str(folder)) == 0
    assert 'left out: frame 2' in capsys.readouterr().out
    assert len(read_video(out / 'frames.mp4')[0]) == 4


@pytest.fixture
def hears_interrupts():
    """A shell starts what runs in the background with ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures('hears_interrupts')
@pytest.mark.parametrize('kind', [signal.SIGINT, signal.SIGTERM])
def test_interrupted(place, tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(place)
    step, calls = video_session.VideoSession.steps, []

    def interrupted(self, frames):
        calls.append(frames)
        if len(calls) == 3:
            signal.raise_signal(kind)
        return step(self, frames)

    monkeypatch.setattr(video_session.VideoSession, 'steps', interrupted)
    assert run(place, '--out', tmp_path / 'o.mp4') == 130
    said = capsys.readouterr()
    assert 'interrupted' in said.err and 'v: 2 frames' in said.out
    assert len(read_video(tmp_path / 'o.mp4')[0]) == 2
    assert check_submission(tmp_path / 'o.json', tmp_path / 'o_video.json') == []


def test_bugs_keep_their_trace(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(video_session.VideoSession, 'steps', lambda *_: np.zeros(2)[5])
    with pytest.raises(IndexError):
        run(place, '--out', 'bug')


def test_examples_of_the_help_parse(capsys):
    with pytest.raises(SystemExit, match='0'):
        main(['--help'])
    said = capsys.readouterr().out.replace('\\\n', ' ')
    lines = [c.split('\n')[0].split() for c in said.split('python -m mmvis ')[2:]]
    examples = [words for words in lines if words[0] != 'completion)"']
    assert len(examples) == 8
    for words in examples:
        args = make_parser().parse_args(words)
        assert (args.config is None) != (args.detections is None)


def test_a_number_is_a_camera_unless_there_is_such_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert source_of('0') == 0
    Path('0').mkdir()
    assert source_of('0') == '0'
