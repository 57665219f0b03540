"""The commands of Get started, typed one after another by a newcomer."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from processes import run_bounded

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs/en/get_started.md').read_text()
TYPED = ('python ', 'mim ')


def commands() -> list[str]:
    """Those that need neither a download nor an installation, in order."""
    blocks = re.findall(r'```bash\n(.*?)```', TEXT, re.S)
    found = []
    for block in blocks:
        if block.startswith('# needs a download'):
            continue
        lines = block.replace('\\\n', ' ').splitlines()
        lines = [re.sub(r'\s+#.*', '', line) for line in lines]
        found += [line for line in lines if line.startswith(TYPED)]
    return found


def shortened(command: str) -> tuple[list[str], str | None, int | None]:
    """The command with this Python, trainings of two steps; their folder and length."""
    words = shlex.split(command)
    if words[0] == 'python':
        words[0] = sys.executable
    if words[0] == 'mim':
        words[:1] = [sys.executable, '-c', 'from mim.cli import cli; cli()']
    if 'train' in words and 'mmvis' in words:
        config = Path(words[words.index('mmvis') + 1]).stem
        steps = int(re.search(rf'{config}/iter_(\d+)\.pth', TEXT)[1])
        options = [
            'train_cfg.max_iters=2',
            'train_cfg.val_interval=2',
            'default_hooks.checkpoint.interval=2',
        ]
        if '--cfg-options' not in words:
            options.insert(0, '--cfg-options')
        return [*words, *options], f'work_dirs/{config}', steps
    return words, None, None


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    """A folder that looks like a checkout, with masks of one's own."""
    folder = tmp_path_factory.mktemp('newcomer')
    for name in ('tools', 'configs'):
        (folder / name).symlink_to(ROOT / name)
    rng = np.random.default_rng(0)
    for video in ('one', 'two'):
        frames = folder / f'data/my_set/train/JPEGImages/{video}'
        masks = folder / f'data/my_set/masks/{video}'
        frames.mkdir(parents=True), masks.mkdir(parents=True)
        for t in range(6):
            image = rng.integers(0, 256, (90, 160, 3), dtype=np.uint8)
            mask = np.zeros((90, 160), np.uint8)
            cv2.circle(mask, (30 + 9 * t, 45), 20, 1, -1)
            cv2.circle(mask, (130 - 9 * t, 60), 12, 2, -1)
            cv2.imwrite(str(frames / f'{t:05d}.jpg'), image)
            cv2.imwrite(str(masks / f'{t:05d}.png'), mask)
    return folder


def test_every_part_of_the_page_has_commands():
    assert len(commands()) >= 10
    assert {'synth_vis.py', 'analyze_errors.py', 'compare_runs.py', 'browse.py'} <= {
        Path(word).name for command in commands() for word in command.split()
    }


@pytest.mark.full
def test_commands_run_in_order(place):
    environment = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    environment['OMP_NUM_THREADS'] = '1'
    for command in commands():
        words, work_dir, steps = shortened(command)
        if 'synth_vis.py' in command:
            words += ['--train', '3', '--valid', '2']
        done = run_bounded(words, cwd=place, env=environment, limit=1800)
        assert done.returncode == 0, f'{command}\n{done.stdout[-3000:]}{done.stderr}'
        if work_dir is not None:
            saved = place / work_dir / 'iter_2.pth'
            shutil.move(saved, saved.with_name(f'iter_{steps}.pth'))
    for name in ('errors.html', 'seen/0000.mp4', 'seen/0000.json', 'results.zip'):
        assert (place / name).stat().st_size > 0
    assert list((place / 'seen/my_set').rglob('*')), 'browse drew nothing'
