"""Words in the place of a video: the scripts of tools, found and run."""

import json
import shutil

import numpy as np
import pytest
from processes import run_bounded

from mmvis import __version__
from mmvis.__main__ import main as from_shell
from mmvis.apis.subcommands import SCRIPTS, completion, find_script, main
from mmvis.structures.rle import encode_masks


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A video with one object, and results that find it."""
    (rle,) = encode_masks(np.tri(20, 30, dtype=bool)[None])
    rle['counts'] = rle['counts'].decode()
    track = dict(category_id=1, segmentations=[rle, rle])
    truth = dict(
        videos=[
            dict(id=1, width=30, height=20, length=2, file_names=['v/0.jpg', 'v/1.jpg'])
        ],
        categories=[dict(id=1, name='cat')],
        annotations=[dict(track, id=1, video_id=1, iscrowd=0)],
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / 't.json').write_text(json.dumps(truth))
    (tmp_path / 'r.json').write_text(json.dumps([dict(track, video_id=1, score=0.9)]))


@pytest.mark.parametrize('name', SCRIPTS)
def test_scripts_are_there_and_named_by_their_word(name, capsys):
    assert find_script(SCRIPTS[name].path).is_file()
    assert main([name, '--help']) == 0
    assert f'usage: mmvis {name}' in capsys.readouterr().out


def test_a_script_gets_its_arguments_and_gives_its_code(files, capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', ['mmvis', 'eval', 'r.json', 't.json'])
    assert from_shell() == 0
    assert '1.000' in capsys.readouterr().out
    assert main(['validate', 'none.json']) != 0
    assert 'none.json' in ''.join(capsys.readouterr())


def test_other_words_are_videos(capsys):
    for words in (['no_such.mp4'], ['track', 'no_such.mp4'], ['./eval']):
        assert main([*words, '--detections', 'r.json']) == 3
        assert f'{words[-1]} does not exist' in capsys.readouterr().err
    with pytest.raises(SystemExit, match='0'):
        main(['--version'])
    assert capsys.readouterr().out == f'mmvis {__version__}\n'


def test_a_script_that_is_not_installed(monkeypatch, capsys):
    monkeypatch.setattr('mmvis.apis.subcommands.find_script', lambda name: None)
    assert main(['eval']) == 1
    assert 'eval_results.py is not installed' in capsys.readouterr().err


@pytest.mark.skipif(shutil.which('bash') is None, reason='there is no bash')
def test_bash_completes_words_and_options(tmp_path):
    (tmp_path / 'verse.mp4').touch()
    (tmp_path / 'c.sh').write_text(completion())
    asked = (
        'source ./c.sh; for w in v --dete; do COMP_WORDS=(mmvis $w); COMP_CWORD=1; '
        '_mmvis; echo "${COMPREPLY[@]}"; done'
    )
    done = run_bounded(['bash', '-c', asked], cwd=tmp_path)
    assert done.stdout == 'validate verse.mp4\n--detections\n', done.stderr
