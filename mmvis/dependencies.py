"""Check that torch, mmengine, mmcv and mmdet are there, in range, compiled and working.

Two lines of releases provide the import names mmcv, mmengine and mmdet, under different
distribution names, so setup.py cannot require either: these checks take its place, and
their messages say what to type.

Importing the four takes seconds, which a command that reads an annotation file need not
wait for. So ``import mmvis`` looks at what is installed without importing it (and asks
for none of the four where only exported models are run), and
``mmvis.registry``, without which there is no model, imports them and checks the rest.
"""

import importlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType


@dataclass(frozen=True)
class _Dependency:
    """An import name, the versions that mmvis was tested with, and its two sources.

    Attributes:
        module: The import name.
        minimum, tested_below: Versions that are accepted, and tested.
        onedl, openmmlab: What pip is asked for, as name==version.
        pip_options, environment: What stands before that.
    """

    module: str
    minimum: tuple[int, ...]
    tested_below: tuple[int, ...]
    onedl: str
    openmmlab: str
    pip_options: str = ''
    environment: str = ''

    def command(self, line: str) -> str:
        """What to type to install it from ``line``, 'onedl' or 'openmmlab'."""
        parts = (self.environment, 'pip install', self.pip_options, getattr(self, line))
        return ' '.join(part for part in parts if part)


_LINES = ('onedl', 'openmmlab')
_TORCH = _Dependency('torch', (2, 6), (2, 14), 'torch==2.13.0', 'torch==2.13.0')
_MMENGINE = _Dependency(
    'mmengine', (0, 10, 4), (0, 11), 'onedl-mmengine==0.10.12', 'mmengine==0.10.7'
)
_MMCV = _Dependency(
    'mmcv',
    (2, 1),
    (2, 4),
    'onedl-mmcv==2.3.6',
    'mmcv==2.1.0',
    # Build isolation hides torch from mmcv's setup.py, which then leaves the ops out
    # without a word; so does a wheel without ops in pip's cache.
    pip_options='--no-build-isolation --no-cache-dir --force-reinstall --no-deps',
    environment='MMCV_WITH_OPS=1',
)
_MMDET = _Dependency(
    'mmdet', (3, 3), (3, 6), 'onedl-mmdetection==3.5.1', 'mmdet==3.3.0'
)


class DependencyError(RuntimeError):
    """A dependency is installed, but cannot be used; the message says what to type."""


def check_installation() -> None:
    """Look for the dependencies and their versions, without importing any.

    Raises:
        ImportError: one is missing or too old, or mmcv is without its compiled ops; the
            message ends with the command that repairs it.

    Warns:
        UserWarning: a version is newer than those tested, or both ``mmcv`` and
            ``onedl-mmcv`` are installed, which overwrite each other's files.
    """
    if not _is_deployment():
        check_for_models()


def check_for_models() -> None:
    """As :func:`check_installation`, also where only exported models are run."""
    _check(_find, _has_ops)


def _is_deployment() -> bool:
    """Whether this environment runs exported models, and nothing else.

    It has a runtime for them and none of the four: whoever asks for a model, and so for
    ``mmvis.registry``, is told what is missing then.
    """
    four = (_TORCH, _MMENGINE, _MMCV, _MMDET)
    if any(_spec(dependency.module) for dependency in four):
        return False
    return any(_spec(runtime) for runtime in ('onnxruntime', 'openvino'))


def check_dependencies() -> None:
    """Import the dependencies: they are as :func:`check_installation` says, and work.

    Raises:
        ImportError: as there, or one cannot be imported, or the ops of mmcv were
            compiled for another torch.

    Warns:
        UserWarning: as there, so that each is shown once.
    """
    _check(_import, _load_ops)


def _check(
    version_of: Callable[[_Dependency, str], str | None],
    check_ops: Callable[[str], None],
) -> None:
    """Check versions and ops; None stands for a version that is not known."""
    openmmlab_version, onedl_version = _installed('mmcv'), _installed('onedl-mmcv')
    line = 'openmmlab' if openmmlab_version and not onedl_version else 'onedl'
    both = ''
    if openmmlab_version and onedl_version:
        both = (
            f'Both mmcv {openmmlab_version} and onedl-mmcv {onedl_version} are '
            'installed and overwrite each other: run "pip uninstall -y mmcv '
            f'onedl-mmcv", then "{_MMCV.command("onedl")}".'
        )
    try:
        for dependency in (_TORCH, _MMENGINE, _MMCV):
            _check_version(version_of(dependency, line), dependency, line)
        check_ops(line)
        _check_version(version_of(_MMDET, line), _MMDET, line)
    except ImportError as error:
        if both:
            raise ImportError(f'{both} As it is: {error}') from error
        raise
    if both:
        warnings.warn(f'mmvis: {both}')


def _installed(distribution: str) -> str | None:
    """The version of an installed distribution, without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _find(dependency: _Dependency, line: str) -> str | None:
    """The version of a dependency by its metadata, if it has any."""
    if _spec(dependency.module) is None:
        raise ImportError(_missing(dependency, line))
    names = (getattr(dependency, source).split('==')[0] for source in _LINES)
    return next(filter(None, map(_installed, names)), None)


def _spec(module: str) -> ModuleSpec | None:
    """Where a module would be imported from; its parent is not imported, either."""
    package, _, name = module.rpartition('.')
    if not package:
        return find_spec(name)
    parent = find_spec(package)
    places = parent and parent.submodule_search_locations
    return PathFinder.find_spec(module, places) if places else None


def _import(dependency: _Dependency, line: str) -> str:
    """The version of a dependency by itself."""
    try:
        module: ModuleType = importlib.import_module(dependency.module)
    except ModuleNotFoundError as error:
        if error.name != dependency.module:
            raise
        raise ImportError(_missing(dependency, line)) from error
    except AssertionError as error:
        # mmdet asserts the range of mmcv that it accepts.
        raise ImportError(
            f'{dependency.module} does not accept what is installed beside it: {error} '
            'The README names the two sets of versions that work together.'
        ) from error
    return str(module.__version__)


def _missing(dependency: _Dependency, line: str) -> str:
    return (
        f'mmvis needs {dependency.module}, which is not installed. Run: '
        f'{dependency.command(line)}'
    )


def _check_version(text: str | None, dependency: _Dependency, line: str) -> None:
    if text is None:
        return
    version = tuple(int(part) for part in re.findall(r'\d+', text.split('+')[0])[:3])
    name = dependency.module
    if version < dependency.minimum:
        raise ImportError(
            f'mmvis needs {name} >= {_join(dependency.minimum)}, but {text} is '
            f'installed. Run: {dependency.command(line)}'
        )
    if version >= dependency.tested_below:
        warnings.warn(
            f'mmvis was tested with {name} below {_join(dependency.tested_below)}, and '
            f'{text} is installed. If something fails, run: {dependency.command(line)}'
        )


def _has_ops(line: str) -> None:
    if _spec('mmcv._ext') is None:
        raise ImportError(_no_ops('without its compiled ops', line))


def _load_ops(line: str) -> None:
    try:
        importlib.import_module('mmcv._ext')
    except ImportError as error:
        reason = (
            'without its compiled ops'
            if isinstance(error, ModuleNotFoundError)
            else f'with ops that do not load ({error}), so probably for another torch'
        )
        raise ImportError(_no_ops(reason, line)) from error


def _no_ops(reason: str, line: str) -> str:
    return (
        f'mmcv is installed {reason}. Build it against the torch that is '
        f'installed (some minutes): {_MMCV.command(line)}'
    )


def _join(version: tuple[int, ...]) -> str:
    return '.'.join(map(str, version))
