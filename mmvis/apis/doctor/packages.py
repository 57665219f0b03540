"""Which releases are installed, read from their metadata alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import metadata

from mmvis.dependencies import check_installation
from mmvis.version import __version__

from .finding import BAD, NOTE, OK, Finding

# Two lines of releases have the same files, under two names each.
TWICE = (
    ('mmcv', 'onedl-mmcv'),
    ('mmcv-lite', 'onedl-mmcv'),
    ('mmengine', 'onedl-mmengine'),
    ('mmdet', 'onedl-mmdetection'),
    ('openmim', 'onedl-mim'),
    ('opencv-python', 'opencv-python-headless'),
)
SHOWN = ('torch', 'numpy', 'scipy', 'pycocotools', 'matplotlib')
OPTIONAL = {
    'av': 'reads damaged videos better',
    'safetensors': 'reads and writes .safetensors',
}


def look_at_packages() -> Iterator[Finding]:
    """Versions, what is there twice, and whether they are those that mmvis accepts."""
    yield Finding(OK, 'mmvis', __version__)
    for name in SHOWN:
        version = version_of(name)
        verdict = OK if version else BAD
        yield Finding(verdict, name, version or f'missing. Run: pip install {name}')
    for one, other in TWICE:
        both = [(name, version_of(name)) for name in (one, other)]
        there = [f'{name} {version}' for name, version in both if version]
        if len(there) == 2:
            yield Finding(
                NOTE if one.startswith('opencv') else BAD,
                f'{one}, twice',
                f'{" and ".join(there)} overwrite each other: pip uninstall both, then '
                'install one.',
            )
        elif there and one in ('mmcv', 'mmengine', 'mmdet', 'openmim'):
            yield Finding(OK, one, there[0])
    for name, use in OPTIONAL.items():
        version = version_of(name)
        without = f'not installed (optional: {use})'
        yield Finding(OK, name, version or without)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        try:
            check_installation()
        except ImportError as error:
            yield Finding(BAD, 'releases', ' '.join(str(error).split()))
        else:
            yield Finding(
                OK, 'releases', 'all are there, in versions that are accepted'
            )
    for warning in said:
        yield Finding(NOTE, 'releases', ' '.join(str(warning.message).split()))


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
