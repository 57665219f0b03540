"""The checks say what is wrong and what to type, for faked installations."""

import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from processes import run_bounded

from mmvis import dependencies
from mmvis.dependencies import check_dependencies

ROOT = Path(__file__).parents[1]
GOOD = dict(torch='2.13.0+cpu', mmengine='0.10.12', mmcv='2.3.6', mmdet='3.5.1')


@pytest.fixture
def installed(monkeypatch):
    """Fakes the four modules; returns a function that changes the installation."""
    distributions = {'onedl-mmcv': '2.3.6'}

    def find(name: str) -> ModuleType:
        if versions.get(name) is None:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
        if isinstance(versions[name], Exception):
            raise versions[name]
        module = ModuleType(name)
        module.__version__ = versions[name]
        return module

    versions = {**GOOD, 'mmcv._ext': ''}
    monkeypatch.setattr(dependencies.importlib, 'import_module', find)
    monkeypatch.setattr(dependencies, '_installed', distributions.get)

    def change(distribution_versions: dict | None = None, **changes) -> None:
        versions.update({name.replace('___', '._'): v for name, v in changes.items()})
        distributions.update(distribution_versions or {})

    return change


def test_the_real_installation_passes():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_dependencies()


def test_both_lines_pass(installed):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_dependencies()
        installed(mmengine='0.10.7', mmcv='2.1.0', mmdet='3.3.0')
        check_dependencies()
        # The oldest of each that is accepted.
        installed(torch='2.6', mmengine='0.10.4', mmcv='2.1', mmdet='3.3')
        check_dependencies()


@pytest.mark.parametrize(
    ('module', 'command'),
    [
        ('torch', 'pip install torch=='),
        ('mmengine', 'pip install onedl-mmengine=='),
        ('mmcv', 'MMCV_WITH_OPS=1 pip install --no-build-isolation'),
        ('mmdet', 'pip install onedl-mmdetection=='),
    ],
)
def test_missing(installed, module, command):
    installed(**{module: None})
    with pytest.raises(ImportError, match=f'needs {module}, which') as caught:
        check_dependencies()
    assert command in str(caught.value)


@pytest.mark.parametrize(
    ('module', 'version', 'minimum'),
    [
        ('torch', '2.5.1', '2.6'),
        ('mmengine', '0.10.3', '0.10.4'),
        ('mmcv', '2.0.1', '2.1'),
        ('mmdet', '3.2.9', '3.3'),
    ],
)
def test_too_old(installed, module, version, minimum):
    installed(**{module: version})
    message = rf'{module} >= {minimum}, but {version} is installed\. Run: '
    with pytest.raises(ImportError, match=message):
        check_dependencies()


@pytest.mark.parametrize(
    ('module', 'version'),
    [('torch', '2.20.0'), ('mmengine', '0.11.0'), ('mmcv', '2.4'), ('mmdet', '4.0.0')],
)
def test_newer_than_tested_warns(installed, module, version):
    installed(**{module: version})
    with pytest.warns(UserWarning, match=f'{module} below .* {version} is installed'):
        check_dependencies()


def test_ops_left_out(installed):
    installed(mmcv___ext=None)
    with pytest.raises(ImportError, match='without its compiled ops') as caught:
        check_dependencies()
    assert 'MMCV_WITH_OPS=1 pip install --no-build-isolation' in str(caught.value)
    assert 'onedl-mmcv==' in str(caught.value)


def test_ops_of_another_torch(installed):
    installed(mmcv___ext=ImportError('undefined symbol: _ZN3c105'))
    with pytest.raises(ImportError, match=r'undefined symbol.*another torch'):
        check_dependencies()


def test_commands_stay_in_the_line_that_is_installed(installed):
    installed({'onedl-mmcv': None, 'mmcv': '2.1.0'}, mmcv='2.1.0', mmdet=None)
    with pytest.raises(ImportError, match=r'pip install mmdet==3\.3\.0'):
        check_dependencies()


def test_mmdet_that_refuses_its_mmcv(installed):
    installed(mmdet=AssertionError('MMCV==2.2.0 is used but incompatible.'))
    with pytest.raises(ImportError, match=r'mmdet does not accept .* MMCV==2\.2\.0'):
        check_dependencies()


def test_both_lines_at_once(installed):
    installed({'mmcv': '2.1.0'})
    with pytest.warns(UserWarning, match='Both mmcv 2.1.0 and onedl-mmcv 2.3.6'):
        check_dependencies()
    installed(mmcv___ext=None)
    with pytest.raises(
        ImportError, match=r'Both mmcv .*pip uninstall -y mmcv.*without its'
    ):
        check_dependencies()


def test_an_error_inside_a_dependency_is_not_hidden(installed):
    installed(mmdet=ModuleNotFoundError("No module named 'shapely'", name='shapely'))
    with pytest.raises(ModuleNotFoundError, match='shapely'):
        check_dependencies()


def test_modules_are_imported_by_the_real_import():
    """The fakes above stand for importlib; here nothing is faked."""
    assert dependencies.importlib is importlib
    check_dependencies()
    assert all(name in sys.modules for name in (*GOOD, 'mmcv._ext'))


IMPORTED = "raise AssertionError('it was imported')"
DISTRIBUTIONS = dict(
    torch='torch',
    mmengine='onedl-mmengine',
    mmcv='onedl-mmcv',
    mmdet='onedl-mmdetection',
)


@pytest.fixture
def site(tmp_path):
    """Installs the four packages into a folder; returns a function that runs code.

    Nothing else is installed there. Versions are by import name, None leaves a package
    out; ``more`` are versions of distributions alone.
    """

    def run(code, more=(), ops=IMPORTED, content=IMPORTED, **versions):
        versions = {**GOOD, **versions}
        for name, version in versions.items():
            if version is not None:
                (tmp_path / name).mkdir()
                text = f"__version__ = '{version}'\n{content}\n"
                (tmp_path / name / '__init__.py').write_text(text)
        if ops is not None and versions['mmcv']:
            (tmp_path / 'mmcv/_ext.py').write_text(ops)
        installed = [(DISTRIBUTIONS[n], v) for n, v in versions.items() if v]
        for name, version in [*installed, *dict(more).items()]:
            folder = tmp_path / f'{name.replace("-", "_")}-{version}.dist-info'
            folder.mkdir()
            about = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
            (folder / 'METADATA').write_text(about)
        code = f'import sys; sys.path += [{str(tmp_path)!r}, {str(ROOT)!r}]; {code}'
        # Without site-packages: what is really installed here is out of sight.
        words = [sys.executable, '-I', '-S', '-W', 'always', '-c', code]
        return run_bounded(words)

    return run


def test_importing_mmvis_imports_no_dependency(site):
    done = site('import mmvis; print(mmvis.__version__)')
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.strip()


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (dict(torch=None), 'mmvis needs torch, which is not installed. Run: pip'),
        (dict(mmcv=None), 'needs mmcv, which is not installed. Run: MMCV_WITH_OPS=1'),
        (dict(mmdet='3.2.9'), 'mmdet >= 3.3, but 3.2.9 is installed. Run: pip'),
        (dict(ops=None), 'mmcv is installed without its compiled ops. Build it'),
        (dict(ops=None, more={'mmcv': '2.1.0'}), 'Both mmcv 2.1.0 and onedl-mmcv'),
    ],
)
def test_what_is_wrong_is_said_by_the_import(site, options, sentence):
    done = site('import mmvis', **options)
    last = done.stderr.splitlines()[-1]
    assert last.startswith('ImportError: ') and sentence in last


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (dict(torch='2.99.0'), 'mmvis was tested with torch below'),
        (dict(more={'mmcv': '2.1.0'}), 'overwrite each other'),
    ],
)
def test_the_import_warns(site, options, sentence):
    done = site('import mmvis', **options)
    assert done.returncode == 0 and sentence in done.stderr


@pytest.mark.parametrize(
    ('code', 'error'),
    [
        # mmengine would pass over an ImportError of the registry.
        ('import mmvis.registry', 'mmvis.dependencies.DependencyError: '),
        ('import mmvis; mmvis.models', 'mmvis.dependencies.DependencyError: '),
        ('from mmvis.datasets import YouTubeVISDataset', 'ImportError: '),
    ],
)
def test_ops_that_do_not_load_are_named_when_they_are_needed(site, code, error):
    done = site(code, content='', ops="raise ImportError('undefined symbol: _ZN3')")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(error) and 'undefined symbol' in last
    assert 'probably for another torch' in last and 'MMCV_WITH_OPS=1' in last


BROKEN_OPS = """
import runpy, sys
sys.modules['mmcv._ext'] = None  # importing it raises
sys.argv = sys.argv[1:]
if sys.argv[0] == '-m':
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name='__main__')
else:
    runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.parametrize(
    'words',
    ['-m mmvis {folder} --config {config} --weights w.pth', '{train} {config}'],
)
def test_commands_end_with_what_to_type(tmp_path, words):
    (tmp_path / 'w.pth').write_bytes(b'')
    (tmp_path / '0.png').write_bytes(b'')
    config = ROOT / 'configs/tiny/stmask_tiny_synthvis.py'
    train = ROOT / 'tools/train.py'
    given = [
        w.format(folder=tmp_path, config=config, train=train) for w in words.split()
    ]
    done = run_bounded(
        [sys.executable, '-c', BROKEN_OPS, *given],
        cwd=tmp_path,
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'error: mmcv is installed' in last and 'MMCV_WITH_OPS=1' in last
