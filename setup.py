"""Build mmvis; see the notes below on what mim expects of an installed package."""

import atexit
import re
import shutil
import tempfile
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_py import build_py

# How mim (onedl-mim 0.5, openmim 0.3) finds a package's scripts and configs:
#
#   wheel      openmim looks into site-packages/mmvis, onedl-mim into the folder of the
#              first file that pip has recorded. pip sorts that list, and of a package
#              with a console script ../../../bin/<script> would come first: a folder
#              whose name sorts before '.' carries a second .mim. Nothing else is in it.
#   editable   onedl-mim looks into the checkout; openmim into the folder that the first
#              line of top_level.txt names, relative to site-packages.
#
# A bare config name must be there once: nothing is copied or linked inside the source
# tree, and no build folder is left in it.
ROOT = Path(__file__).resolve().parent
SHIPPED = ('configs', 'tools', 'model-index.yml')
SORTS_FIRST = '+mmvis'


def copy_shipped(target: Path) -> None:
    """Copy configs, tools and the model index into ``target``."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)


class BuildOutside(build):
    """Build in a temporary folder: build/ here would hold a second copy of configs."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.build_base = tempfile.mkdtemp(prefix='mmvis-build-')
        atexit.register(shutil.rmtree, self.build_base, ignore_errors=True)


class BuildWithMim(build_py):
    """Put .mim into the built package, but not into an editable install."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            copy_shipped(Path(self.build_lib, 'mmvis', '.mim'))


class WheelWithMim(bdist_wheel):
    """Give mim what it looks for outside of the package."""

    def write_wheelfile(self, wheelfile_base: str, *args, **kwargs) -> None:
        super().write_wheelfile(wheelfile_base, *args, **kwargs)
        if Path(self.bdist_dir) in Path(wheelfile_base).parents:
            copy_shipped(Path(self.bdist_dir, SORTS_FIRST, '.mim'))
        else:  # an editable install writes its metadata elsewhere
            Path(wheelfile_base, 'top_level.txt').write_text(f'{ROOT}\nmmvis\n')


def read_version() -> str:
    """Read the version without importing mmvis, which needs its dependencies."""
    text = (ROOT / 'mmvis' / 'version.py').read_text()
    return re.search(r"__version__ = '(.+)'", text).group(1)


def read_requirements(name: str) -> list[str]:
    """The requirements of requirements/<name>.txt."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in (line.split('#')[0].strip() for line in lines) if line]


setup(
    name='mmvis',
    version=read_version(),
    description='Video instance segmentation for OpenMMLab',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmvis', 'mmvis.*']),
    package_data={'mmvis': ['py.typed', '**/*.json', '**/*.txt', '**/*.html']},
    python_requires='>=3.10',
    # No torch, mmcv, mmengine or mmdet: their distribution names differ between the two
    # lines of releases, and mmcv must be compiled against the torch that is there.
    # mmvis/dependencies.py checks them at import. OpenCV comes with mmcv.
    install_requires=[
        'numpy>=1.24',
        'scipy>=1.10',
        'pycocotools>=2.0.6',
        'matplotlib>=3.7',
        'rich>=13',
        'tqdm>=4.60',
    ],
    extras_require={
        'onedl': read_requirements('mminstall-onedl'),
        'openmmlab': read_requirements('mminstall-openmmlab'),
        'safetensors': ['safetensors>=0.4.3'],
        'test': read_requirements('tests'),
        # Videos that browsers play. Not among the above: its FFmpeg is 100 MB.
        'video': ['av>=14'],
        'deploy': read_requirements('deploy'),
        'export': read_requirements('export'),
    },
    entry_points={'console_scripts': ['mmvis = mmvis.__main__:main']},
    zip_safe=False,
    cmdclass={
        'build': BuildOutside,
        'build_py': BuildWithMim,
        'bdist_wheel': WheelWithMim,
    },
)
