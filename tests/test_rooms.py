"""The walls between the rooms, read off the imports; floor plans name what is there.

Nothing is imported: files are parsed. Whoever wants to see a wall hold breaks it in a
copy, as the second half of this file does.
"""

import ast
import re
import shutil
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each room of the package may import of the others; registry, version and
# dependencies belong to all of them, and so do the two that help with imports.
HOUSE = {
    'structures': set(),
    'datasets': {'structures'},
    'visualization': {'structures'},
    'evaluation': {'structures', 'visualization'},
    'engine': {'structures', 'visualization'},
    'tracking': {'structures'},
    'models': {'structures', 'engine', 'tracking'},
    'runtime': {'structures'},
    # Models are built by their configs, and never known by name.
    'apis': {
        *('structures', 'datasets', 'visualization', 'evaluation', 'engine'),
        *('runtime', 'tracking'),
    },
    'deploy': {'structures', 'engine', 'models', 'apis', 'runtime'},
}
OF_ALL = {'registry', 'version', 'dependencies', 'lazy_names', 'quiet_mmdet'}
SHARED = ('common', 'trackers')
# TFAN has the tracking head of MaskTrack R-CNN.
NEIGHBOURS = {'tfan': {'masktrack_rcnn'}}
# Tests that compare models with each other.
TOGETHER = {('models', 'common'), ('models', 'trackers')}
# Tests of what is made of each model.
OF_ALL_MODELS = {'deploy', 'runtime'}

PLAN_LINE = re.compile(r'^ {4}(\w[\w/.]*(?:\.py|/))  +\S', re.MULTILINE)


def folders(root: Path) -> set[str]:
    """The rooms of mmvis/models."""
    return {path.parent.name for path in root.glob('mmvis/models/*/__init__.py')}


@cache
def names_in(text: str, place: tuple[str, ...]) -> tuple[str, ...]:
    """Modules of mmvis that a file imports or spells out in a string."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = place[: -node.level] if node.level else ()
            module = '.'.join([*above, *filter(None, [node.module])])
            # ``from mmvis.models import stmask`` names a room as well.
            names += [f'{module}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names += re.findall(r'^mmvis(?:\.\w+)+$', node.value)
    return tuple(name for name in names if name.startswith('mmvis.'))


def named(path: Path, root: Path) -> tuple[str, ...]:
    """As :func:`names_in`, of a file below ``root``."""
    return names_in(path.read_text(), path.relative_to(root).parts)


def rooms_of(path: Path, root: Path, above: str) -> set[str]:
    """The rooms right below ``above`` (mmvis, mmvis.models) that a file names."""
    start = len(above) + 1
    return {
        name[start:].split('.')[0]
        for name in named(path, root)
        if name.startswith(f'{above}.')
    }


def wrong_imports(root: Path) -> list[str]:
    """A line for each wall that a file goes through."""
    wrong = []
    models = folders(root) - set(SHARED)

    def check(path: Path, allowed: set[str], above: str, of: set[str]) -> None:
        for room in sorted(rooms_of(path, root, above) & of - allowed):
            wrong.append(f'{path.relative_to(root)} names {above}.{room}')

    for path in sorted(root.glob('mmvis/*/**/*.py')):
        room = path.relative_to(root).parts[1]
        check(path, {room, *HOUSE[room]}, 'mmvis', set(HOUSE))
        if room != 'models':
            continue
        own = path.relative_to(root).parts[2]
        if own != '__init__.py':
            allowed = {own, *SHARED[: SHARED.index(own) if own in SHARED else None]}
            allowed |= NEIGHBOURS.get(own, set())
            check(path, allowed, 'mmvis.models', {*models, *SHARED})
    for path in sorted(root.glob('tools/**/*.py')):
        # A tool is one model's or all models'.
        known = sorted(rooms_of(path, root, 'mmvis.models') & models)
        if len(known) > 1:
            wrong.append(f'{path.relative_to(root)} names {" and ".join(known)}')
    for path in sorted(root.glob('tests/**/*.py')):
        place = path.relative_to(root).parts[1:]
        helper = len(place) == 1 and not place[0].startswith('test_')
        if helper or place[:2] in TOGETHER or place[0] in OF_ALL_MODELS:
            continue
        own = place[1] if place[0] == 'models' and len(place) > 2 else ''
        check(path, {own, *NEIGHBOURS.get(own, ())}, 'mmvis.models', models)
    return wrong


def plan(folder: Path) -> set[str]:
    """What the floor plan of a folder names."""
    docstring = ast.get_docstring(ast.parse((folder / '__init__.py').read_text()))
    return set(PLAN_LINE.findall(docstring or ''))


def there(folder: Path) -> set[str]:
    """What is in a folder: its files and its folders."""
    files = {path.name for path in folder.glob('*.py')} - {'__init__.py'}
    return files | {f'{path.parent.name}/' for path in folder.glob('*/__init__.py')}


def wrong_plans(root: Path) -> list[str]:
    """A line for each thing that a floor plan leaves out or makes up."""
    wrong = []
    models = root / 'mmvis/models'
    for init in sorted(models.rglob('__init__.py')):
        folder = init.parent
        place = folder.relative_to(root)
        lines = plan(folder)
        own = {line for line in lines if '/' not in line.rstrip('/')}
        wrong += [f'{place} has no {name}' for name in sorted(own - there(folder))]
        wrong += [f'{place} hides {name}' for name in sorted(there(folder) - own)]
        shared = lines - own
        for name in sorted(shared):
            if not (models / name).is_file():
                wrong.append(f'{place} has no {name}')
        if folder == models or folder.name in SHARED:
            continue
        own_room = place.parts[2]
        used = set()
        for path in folder.glob('*.py'):
            for name in named(path, root):
                room, *rest = name.removeprefix('mmvis.models.').split('.')
                if room in folders(root) - {own_room} and rest:
                    used.add(f'{room}/{rest[0]}.py')
        wrong += [f'{place} hides {name}' for name in sorted(used - shared)]
    return wrong


def test_no_room_goes_through_a_wall():
    assert wrong_imports(ROOT) == []


def test_every_room_of_the_package_has_walls():
    rooms = {path.parent.name for path in ROOT.glob('mmvis/*/__init__.py')}
    assert rooms == set(HOUSE)


def test_the_document_draws_these_walls():
    text = (ROOT / 'docs/en/architecture.md').read_text().split('## Rooms')[1]
    rows = re.findall(r'^\| `(\w+)` \|.*\| ([\w, ]*) ?\|$', text, re.MULTILINE)
    drawn = {
        room: set(HOUSE) - {'apis', 'models', 'deploy'}
        if allowed.strip() == 'all but models and deploy'
        else set(re.findall(r'\w+', allowed))
        for room, allowed in rows
    }
    assert drawn == HOUSE


def test_no_two_test_files_have_one_name():
    # pytest takes the second for the first where folders of tests are no packages; each
    # runs by itself, and the whole suite does not.
    names = sorted(path.name for path in (ROOT / 'tests').rglob('test_*.py'))
    assert [a for a, b in pairwise(names) if a == b] == []


def test_floor_plans_name_what_is_there():
    assert wrong_plans(ROOT) == []


@pytest.fixture
def copy(tmp_path):
    """The package's sources, to be broken."""
    for name in ('mmvis/models', 'mmvis/apis', 'mmvis/structures'):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__')
        )
    return tmp_path


BREAKS = {
    'a model imports another': (
        'mmvis/models/sg_net/sg_net.py',
        'from mmvis.models.stmask.fast_nms import fast_nms',
    ),
    'a model imports another, relatively': (
        'mmvis/models/instance_flow/tracker.py',
        'from ..masktrack_rcnn import MaskTrackRCNNTracker',
    ),
    'a model imports another, as a name': (
        'mmvis/models/stmask/release/head.py',
        'from mmvis.models import sg_net',
    ),
    'a model spells out another': (
        'mmvis/models/tfan/tfan.py',
        "PART = 'mmvis.models.stmask.fast_nms'",
    ),
    'common imports trackers': (
        'mmvis/models/common/base_vis.py',
        'from mmvis.models.trackers import TrackMemory',
    ),
    'trackers import a model': (
        'mmvis/models/trackers/match_score.py',
        'import mmvis.models.stmask.correlation',
    ),
    'structures import upwards': (
        'mmvis/structures/rle.py',
        'from mmvis.models.common.base_vis import BaseVISModel',
    ),
    'the command knows a model': (
        'mmvis/apis/command.py',
        'from mmvis.models.stmask import STMask',
    ),
    "a tool is two models'": (
        'tools/mixed.py',
        'import mmvis.models.stmask.stmask, mmvis.models.sg_net.sg_net',
    ),
    'a test of one model names another': (
        'tests/models/tfan/test_other.py',
        'from mmvis.models.sg_net.sub_regions import divide_boxes',
    ),
    'a test of the data names a model': (
        'tests/datasets/test_other.py',
        'from mmvis.models.sg_net.sub_regions import divide_boxes',
    ),
}


@pytest.mark.parametrize('file, line', BREAKS.values(), ids=BREAKS)
def test_a_hole_in_a_wall_is_seen(copy, file, line):
    assert wrong_imports(copy) == []
    path = copy / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else '') + f'\n\n{line}\n')
    wrong = wrong_imports(copy)
    assert wrong and all(text.startswith(f'{file} names ') for text in wrong)


def test_what_a_plan_leaves_out_or_makes_up_is_seen(copy):
    models = copy / 'mmvis/models'
    (models / 'tfan/new_idea.py').write_text('"""A file that no plan names."""\n')
    (models / 'stmask/tiling.py').unlink()
    (models / 'common/mask_boxes.py').rename(models / 'common/boxes.py')
    (models / 'masktrack_rcnn/tracker.py').write_text(
        'from mmvis.models.trackers.match_score import match_scores\n'
    )
    assert set(wrong_plans(copy)) == {
        'mmvis/models/tfan hides new_idea.py',
        'mmvis/models/stmask has no tiling.py',
        'mmvis/models/common has no mask_boxes.py',
        'mmvis/models/common hides boxes.py',
        'mmvis/models/instance_flow has no common/mask_boxes.py',
        'mmvis/models/track_by_segmentation has no common/mask_boxes.py',
        'mmvis/models/masktrack_rcnn hides trackers/match_score.py',
    }
