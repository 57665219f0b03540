"""The import check says what is wrong and what to type, for faked installations."""

import importlib
import sys
import warnings
from types import ModuleType

import pytest

from mmvis import dependencies
from mmvis.dependencies import check_dependencies

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
    assert all(name in sys.modules for name in (*GOOD, 'mmcv._ext'))
