"""Whatever mmvis registers is found by a process that has imported next to nothing."""

import ast
import json
import os
import sys
from pathlib import Path

import pytest
from data_factory import make_vis_dataset
from processes import run_bounded

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmvis'
CONFIG = ROOT / 'configs/tiny/masktrack_rcnn_tiny_videos.py'

# The interpreters that see the two lines of releases; make test-full sets up the
# second.
LINES = {
    'onedl': sys.executable,
    'openmmlab': str(ROOT / '.venv-openmmlab/bin/python'),
}
BOTH_LINES = pytest.mark.parametrize(
    'python',
    [
        pytest.param(path, id=line, marks=[pytest.mark.full] * (line != 'onedl'))
        for line, path in LINES.items()
    ],
)


def registered() -> list[list[str]]:
    """Registry, name and module of every class or function with a decorator."""
    found = []
    for path in sorted(PACKAGE.rglob('*.py')):
        module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
        for node in ast.parse(path.read_text()).body:
            for decorator in getattr(node, 'decorator_list', ()):
                registry, _, method = ast.unparse(decorator).partition('.')
                if method.startswith('register_module'):
                    found.append([registry, node.name, module])
    return found


# Runs each code in a fork of a Python that has imported what mmdet needs, but neither
# mmdet nor mmvis: as a process of its own, in half the time.
FORKS = """
import json, os, sys, traceback
import matplotlib.pyplot, mmengine.runner, pycocotools.coco, scipy.optimize, torch

assert not {'mmdet', 'mmvis'} & {*sys.modules}
failed = []
for number, (code, *words) in enumerate(json.loads(sys.argv[1])):
    if os.fork() == 0:
        sys.argv = ['-c', *words]
        try:
            exec(code, {'__name__': '__main__'})
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        failed.append(number)
print('failed:', *failed)
"""


def run(python: str, *works: tuple, cwd: Path) -> None:
    """Run codes, each with its words, in processes that find this mmvis first."""
    given = json.dumps([[*map(str, work)] for work in works])
    done = run_bounded(
        [python, '-c', FORKS, given],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
    )
    said = done.stdout[-2000:] + done.stderr[-3000:]
    assert done.returncode == 0, said
    assert done.stdout.splitlines()[-1].strip() == 'failed:', said


FROM_MMDET = """
import json, sys
import mmvis
from mmdet import registry
for name, key, module in json.loads(sys.argv[1]):
    found = getattr(registry, name).get(f'mmvis.{key}')
    assert found.__module__ == module, (name, key, found)
"""


RUNNER = """
import sys
{imports}
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader

assert not any(name.startswith('mmvis.models') for name in sys.modules)
config = Config.fromfile(sys.argv[1])
config.merge_from_dict(dict(work_dir='run', launcher='none', data_root=sys.argv[2]))
for part in ('train', 'val', 'test'):
    loader = config[f'{{part}}_dataloader']
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.update(data_root=sys.argv[2])
runner = Runner.from_cfg(config)
assert type(runner.model).__module__.startswith('mmvis.models.')
hooks = [hook for hook in runner.hooks if type(hook).__module__.startswith('mmvis.')]
assert len(hooks) >= 2, runner.hooks
loader = runner.build_dataloader(config.test_dataloader)
names = [type(part).__module__ for part in (
    loader.dataset, loader.sampler, loader.dataset.pipeline.transforms[-1],
    runner.build_evaluator(config.test_evaluator).metrics[0],
)]
assert all(name.startswith('mmvis.') for name in names), names
# Weights are read by our loader alone.
loaders = {{f.__module__ for f in CheckpointLoader._schemes.values()}}
assert loaders == {{'mmvis.engine.checkpoint'}}, loaders
"""


@BOTH_LINES
def test_every_name_and_every_part_of_a_runner(python, tmp_path):
    """As a config of mmdet's scope with types 'mmvis.X' finds them, and a runner."""
    everything = registered()
    assert {name for name, *_ in everything} >= {'MODELS', 'HOOKS', 'METRICS'}
    assert len(everything) > 60
    # With custom_imports in the place of ``import mmvis``.
    config = write_config(tmp_path)
    with config.open('a') as file:
        file.write("custom_imports = dict(imports=['mmvis'])\n")
    run(
        python,
        (FROM_MMDET, json.dumps(everything)),
        (RUNNER.format(imports=''), config, f'{tmp_path}/'),
        cwd=tmp_path,
    )


@pytest.mark.full
@BOTH_LINES
def test_a_runner_after_an_import(python, tmp_path):
    code = RUNNER.format(imports='import mmvis')
    run(python, (code, write_config(tmp_path), f'{tmp_path}/'), cwd=tmp_path)


def write_config(folder: Path) -> Path:
    """A config that inherits the tiny one, beside videos that it can be run on."""
    videos = make_vis_dataset(
        folder, size=(96, 160), categories=[(n, f'shape {n}') for n in range(1, 10)]
    )
    (folder / 'train').mkdir()
    (folder / videos.prefix).rename(folder / 'train/JPEGImages')
    config = folder / 'config.py'
    config.write_text(f"_base_ = ['{CONFIG}']\n")
    return config
