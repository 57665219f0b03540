"""mim finds scripts and configs in a wheel and an editable install, from anywhere."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import mmengine
import pytest
import video_models
from data_factory import make_vis_dataset
from exported_models import stmask_config
from inferencers import images, write_folder
from processes import COMMAND_LIMIT, run_bounded

from mmvis.apis import VISInferencer
from mmvis.deploy.exporting import export_model

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'configs/tiny/masktrack_rcnn_tiny_videos.py'
NAME = Path(CONFIG).name

# The interpreters that see the two lines of releases; make test-full sets up the
# second.
OTHER_LINE = ROOT / '.venv-openmmlab/bin/python'
LINES = {'onedl': Path(sys.executable), 'openmmlab': OTHER_LINE}

LONG = 900  # seconds for a training, on a machine that is busy
SHORT = (
    'train_cfg.val_interval=2',
    'default_hooks.checkpoint.interval=2',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
)


def run(
    *command: object, cwd: Path, fails: bool = False, limit: float = COMMAND_LIMIT
) -> str:
    """Run a command without what this process has in its environment; its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    environment['OMP_NUM_THREADS'] = '1'
    done = run_bounded(
        command, cwd=cwd, env=environment, stderr=subprocess.STDOUT, limit=limit
    )
    assert (done.returncode != 0) == fails, done.stdout[-5000:]
    return done.stdout


def copy_checkout(target: Path) -> Path:
    """The files that git knows or would know, as a clone has them."""
    names = run('git', 'ls-files', '-co', '--exclude-standard', '-z', cwd=ROOT)
    for name in filter(None, names.split('\0')):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file()}


@pytest.fixture(scope='session')
def built(tmp_path_factory) -> tuple[Path, Path]:
    """A copy of the checkout and the wheel that pip builds in it."""
    folder = tmp_path_factory.mktemp('build')
    checkout = copy_checkout(folder / 'checkout')
    pip_wheel(sys.executable, checkout, folder)
    return checkout, next(folder.glob('mmvis-*.whl'))


def pip_wheel(python: object, source: Path, target: Path) -> None:
    options = ('--no-build-isolation', '--no-deps', '--no-index', '-w', target)
    run(python, '-m', 'pip', 'wheel', *options, source, cwd=target)


def test_wheel_carries_scripts_and_configs(built):
    """For both mims: in the package, and in the folder that pip records first."""
    checkout, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {'model-index.yml'}
    for folder in ('configs', 'tools'):
        shipped |= {f'{folder}/{name}' for name in files_of(checkout / folder)}
    assert f'{CONFIG}' in shipped and 'tools/train.py' in shipped
    for place in ('mmvis', '+mmvis'):
        inside = {n.split('/.mim/')[1] for n in names if n.startswith(f'{place}/.mim/')}
        assert inside == shipped
    # pip sorts what it records, and onedl-mim takes the folder of the first file.
    assert min(*names, '../../../bin/mmvis').startswith('+mmvis/.mim/')
    package = {f'mmvis/{name}' for name in files_of(checkout / 'mmvis')}
    assert package <= names


def test_build_leaves_no_second_config(built):
    """Neither build/ nor .mim stays in the source tree, where mim would find it."""
    checkout, _ = built
    assert list(checkout.rglob(NAME)) == [checkout / CONFIG]
    assert not (checkout / 'build').exists() and not (checkout / 'mmvis/.mim').exists()


def test_wheel_demands_neither_line(built):
    with zipfile.ZipFile(built[1]) as archive:
        path = next(n for n in archive.namelist() if n.endswith('/METADATA'))
        lines = archive.read(path).decode().splitlines()
    demands = [line for line in lines if line.startswith('Requires-Dist:')]
    required = ' '.join(line for line in demands if 'extra ==' not in line)
    assert 'numpy' in required
    for name in ('torch', 'mmcv', 'mmengine', 'mmdet', 'opencv'):
        assert name not in required
    assert any('onedl-mmcv' in line and 'onedl' in line for line in demands)
    assert any('mmdet==' in line and 'openmmlab' in line for line in demands)


@pytest.mark.full
def test_wheel_of_the_sdist_is_the_same(built, tmp_path):
    checkout, wheel = built
    build = 'from setuptools import build_meta; build_meta.build_sdist({!r})'
    run(sys.executable, '-c', build.format(str(tmp_path)), cwd=checkout)
    run('tar', 'xzf', next(tmp_path.glob('*.tar.gz')), cwd=tmp_path)
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    pip_wheel(sys.executable, source, tmp_path)
    again = next(tmp_path.glob('*.whl'))
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert set(first.namelist()) == set(second.namelist())


def make_environment(folder: Path, line: str) -> tuple[Path, Path]:
    """A virtual environment that sees the dependencies of a line, and its mim.

    Packages of the other environment are importable; its editable installs are not.
    """
    base = LINES[line]
    assert base.is_file(), f'{base} is missing: run make env-openmmlab'
    venv.create(folder, symlinks=True)
    python = folder / 'bin/python'
    code = "import sys; print('\\n'.join(p for p in sys.path if 'site-packages' in p))"
    sites = run(base, '-c', code, cwd=folder)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    purelib = run(python, '-c', code, cwd=folder)
    Path(purelib.strip(), 'dependencies.pth').write_text(sites)
    mim = folder / 'bin/mim'
    mim.write_text('from mim.cli import cli\ncli()\n')
    return python, mim


def install(line: str, python: Path, *words: object) -> None:
    """Install mmvis alone into an environment, with the pip of a line."""
    options = ('--no-deps', '--no-index', '--no-build-isolation')
    pip = (LINES[line], '-m', 'pip', '--python', python, 'install')
    run(*pip, *options, *words, cwd=python.parent)


@pytest.fixture
def videos(tmp_path) -> Path:
    """A data_root for the config."""
    root = tmp_path / 'videos'
    root.mkdir()
    categories = [(number, f'shape {number}') for number in range(1, 10)]
    made = make_vis_dataset(root, size=(96, 160), categories=categories)
    (root / 'train').mkdir()
    shutil.move(root / made.prefix, root / 'train/JPEGImages')
    return root


def train_resume_test(
    python: Path, mim: Path, config: str, cwd: Path, videos: Path, script: Path
) -> None:
    """The commands of the README, for two iterations, two more, and a test."""
    options = ('--cfg-options', f'data_root={videos}/', *SHORT)
    work_dir = cwd / 'run'
    train = (python, mim, 'train', 'mmvis', config, '--work-dir', work_dir)
    said = run(*train, *options, 'train_cfg.max_iters=2', cwd=cwd, limit=LONG)
    assert f'Training command is {python} {script}/train.py' in said
    assert (work_dir / 'iter_2.pth').is_file()

    words = ('--resume', *options, 'train_cfg.max_iters=4')
    said = run(*train, *words, cwd=cwd, limit=LONG)
    assert 'resumed epoch: 0, iter: 2' in said
    assert (work_dir / 'iter_4.pth').is_file()

    checkpoint = work_dir / 'iter_4.pth'
    test = (python, mim, 'test', 'mmvis', config, '--checkpoint', checkpoint)
    words = ('--work-dir', work_dir, '--out', cwd / 'out/results.json')
    said = run(*test, *words, *options, cwd=cwd, limit=LONG)
    assert f'Testing command is {python} {script}/test.py' in said
    assert 'youtube_vis/AP' in said
    assert isinstance(mmengine.load(cwd / 'out/results.json'), list)


@pytest.mark.full
@pytest.mark.parametrize('line', LINES)
def test_mim_with_a_wheel(built, tmp_path, videos, line):
    python, mim = make_environment(tmp_path / 'environment', line)
    install(line, python, built[1])
    empty = tmp_path / 'empty'
    empty.mkdir()
    code = 'import mmvis; print(mmvis.__path__[0])'
    package = Path(run(python, '-c', code, cwd=empty).strip().splitlines()[-1])
    assert tmp_path in package.parents
    # onedl-mim and openmim look into different folders.
    first = package.parent / '+mmvis'
    scripts = (first if line == 'onedl' else package) / '.mim/tools'
    command = (python.parent / 'mmvis', 'no.mp4', '--config', NAME)
    assert 'no.mp4 does not exist' in run(*command, cwd=empty, fails=True)
    train_resume_test(python, mim, NAME, empty, videos, scripts)


@pytest.mark.full
@pytest.mark.parametrize('line', LINES)
def test_mim_with_an_editable_install(tmp_path, videos, line):
    checkout = copy_checkout(tmp_path / 'checkout')
    # In the checkout, as make env puts it: mim searches this tree too.
    python, mim = make_environment(checkout / '.venv', line)
    install(line, python, '-e', checkout)
    tools = checkout / 'tools'
    empty = tmp_path / 'empty'
    empty.mkdir()
    train_resume_test(python, mim, NAME, empty, videos, tools)
    train_resume_test(python, mim, CONFIG, checkout, videos, tools)
    # And with results of training lying in the checkout.
    short = ('--cfg-options', f'data_root={videos}/', *SHORT, 'train_cfg.max_iters=2')
    for _ in range(2):
        run(python, mim, 'train', 'mmvis', NAME, *short, cwd=checkout, limit=LONG)


@pytest.mark.full
def test_an_exported_model_runs_where_there_is_no_torch(built, tmp_path):
    """In an environment that pip fills from its index; left out without one."""
    pytest.importorskip('onnxscript')
    venv.create(tmp_path / 'environment', with_pip=True, symlinks=True)
    python = tmp_path / 'environment/bin/python'
    wanted = f'mmvis[deploy] @ {built[1].as_uri()}'
    done = run_bounded([python, '-m', 'pip', 'install', '-q', wanted], limit=LONG)
    if 'No matching distribution' in done.stderr:
        pytest.skip('pip reaches no index')
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ('torch', 'mmcv', 'mmdet', 'mmengine'):
        run(python, '-c', f'import {name}', cwd=tmp_path, fails=True)

    config, weights = stmask_config(), video_models.stmask().state_dict()
    frames = images(12)
    write_folder(tmp_path / 'v', frames)
    export_model(config, weights, tmp_path / 'm.onnx')
    command = [python.parent / 'mmvis', 'v', '--config', 'm.onnx', '--score', '0']
    run(*command, '--out', 'seen', cwd=tmp_path)
    written = json.loads((tmp_path / 'seen/v.json').read_text())
    expected = VISInferencer(config, weights, device='cpu')(frames).to_youtube_vis()
    assert len(written) == len(expected) > 2
    for one, other in zip(written, expected, strict=True):
        assert one['category_id'] == other['category_id']
        assert one['score'] == pytest.approx(other['score'], abs=1e-3)
        shown = [[s is None for s in t['segmentations']] for t in (one, other)]
        assert shown[0] == shown[1]
    assert (tmp_path / 'seen/v.mp4').is_file()
