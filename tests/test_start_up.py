"""Commands that need no network do not import what makes one: they answer at once."""

import json
import os
import sys
from pathlib import Path

import pytest
from processes import run_bounded

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
sys.path.insert(0, str(TOOLS / 'benchmarks'))

from measuring.small_set import WORK, small_commands, write_small_set  # noqa: E402

sys.path.pop(0)

# make calls what is in environment/, before anything is installed.
SCRIPTS = [
    path
    for path in sorted(TOOLS.rglob('*.py'))
    if not (path.parent / '__init__.py').exists() and path.parent.name != 'environment'
]
NETWORK = ('torch', 'mmdet', 'mmcv')
HEAVY = (*NETWORK, 'mmengine', 'matplotlib', 'scipy', 'cv2')
# What draws needs a font, which is matplotlib's; scipy and mmengine it does not need.
DRAWING = ('browse', 'render_results', 'plot_curves', 'analyze_errors')

# Runs a script, or a module after -m, as python does, and tells what it imported.
RUN = """
import json, os, runpy, sys
report, *sys.argv = sys.argv[1:]
def told(run, *words):
    try:
        run(*words, run_name='__main__')
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    with open(report, 'w') as file:
        json.dump([code, sorted({name.split('.')[0] for name in sys.modules})], file)
if sys.argv[0] == '-m':
    sys.argv = sys.argv[1:]
    told(runpy.run_module, sys.argv[0])
else:
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    told(runpy.run_path, sys.argv[0])
"""


def run(place: Path, *words: object) -> tuple[int, set[str], str]:
    """Run a script in a folder; its exit code, the packages it imported, its stderr."""
    report = place / 'report.json'
    command = [sys.executable, '-c', RUN, report, *words]
    done = run_bounded(
        [str(word) for word in command],
        cwd=place,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    assert report.is_file(), done.stderr[-3000:]
    code, modules = json.loads(report.read_text())
    return code, set(modules), done.stderr


def test_importing_mmvis(tmp_path):
    (tmp_path / 'script.py').write_text('import mmvis; mmvis.__version__')
    code, modules, _ = run(tmp_path, tmp_path / 'script.py')
    assert code == 0 and 'mmvis' in modules
    assert not modules & {*HEAVY, 'numpy'}


# Runs each script with --help in a fork of a Python that has imported no script: as a
# process of its own, in a tenth of the time.
HELP_OF_EACH = """
import argparse, contextlib, io, json, os, runpy, sys, traceback
paths, answers = sys.argv[1:], {}
for path in paths:
    near, far = os.pipe()
    if os.fork() == 0:
        said, code = io.StringIO(), 1
        sys.argv = [path, '--help']
        sys.path.insert(0, os.path.dirname(path))  # as python does for a script
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                runpy.run_path(path, run_name='__main__')
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
        modules = sorted({name.split('.')[0] for name in sys.modules})
        with open(far, 'w') as pipe:
            json.dump([code, modules, said.getvalue()], pipe)
        os._exit(0)
    os.close(far)
    with open(near) as pipe:
        answers[path] = json.load(pipe)
    os.wait()
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope='module')
def helps() -> dict[str, tuple[int, list[str], str]]:
    """Exit code, imported packages and words of each script's --help."""
    done = run_bounded([sys.executable, '-c', HELP_OF_EACH, *SCRIPTS])
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize('path', SCRIPTS, ids=lambda p: str(p.relative_to(TOOLS)))
def test_help_of_a_script(path, helps):
    code, modules, said = helps[str(path)]
    assert code == 0, said
    assert said.startswith(f'usage: {path.name}')
    assert not {*modules} & {*HEAVY}


def test_help_of_the_command(tmp_path):
    code, modules, said = run(tmp_path, '-m', 'mmvis', '--help')
    assert code == 0, said
    assert not modules & {*HEAVY}


@pytest.fixture(scope='module')
def commands(tmp_path_factory):
    folder = tmp_path_factory.mktemp('small')
    write_small_set(folder)
    return small_commands(folder)


@pytest.mark.parametrize('name', WORK)
def test_work_on_a_small_set(name, commands, tmp_path):
    code, modules, said = run(tmp_path, *commands[name])
    assert code == 0, said
    allowed = {'cv2'} | ({'matplotlib'} if Path(name).stem in DRAWING else set())
    if name == 'analysis_tools/analyze_errors.py':
        allowed.add('scipy')  # what TrackEval measures with, where it is installed
    assert not modules & {*HEAVY} - allowed


def test_every_script_for_data_is_tried():
    folders = ('dataset_tools', 'analysis_tools')
    networks = ('compare_settings', 'instance_flow_maps')
    needs_a_network = {f'analysis_tools/{name}.py' for name in networks}
    names = {str(p.relative_to(TOOLS)) for p in SCRIPTS if p.parent.name in folders}
    assert names - needs_a_network == {*WORK}


@pytest.mark.parametrize(
    ('words', 'code', 'sentence'),
    [
        ('-m mmvis no.mp4 --config stmask_r50', 3, 'no.mp4 does not exist'),
        ('-m mmvis {0} --config stmask_r5', 3, 'Did you mean stmask_r50'),
        ('-m mmvis {0} --config stmask_r50 --weights no.pth', 6, 'no.pth does not'),
        ('-m mmvis {0} --config stmask_r50 --chunk 0', 1, 'chunk is a number'),
        ('-m mmvis {0} --config stmask_r50 --out x.avi', 1, 'are written as mp4'),
        ('{1}/train.py no.py', 1, 'The config no.py does not exist'),
        ('{1}/train.py {2} --resume no.pth', 1, 'The checkpoint no.pth does not'),
        ('{1}/test.py {2} no.pth', 1, 'The checkpoint no.pth does not exist'),
    ],
)
def test_mistakes_are_told_before_a_network_is_built(
    commands, tmp_path, words, code, sentence
):
    frames = (
        Path(commands['dataset_tools/validate.py'][1]).parent / 'train/JPEGImages/1'
    )
    config = TOOLS.parent / 'configs/tiny/stmask_tiny_videos.py'
    given = [word.format(frames, TOOLS, config) for word in words.split()]
    ended, modules, said = run(tmp_path, *given)
    assert (ended, sentence in said) == (code, True), said
    assert not modules & {*NETWORK}
