"""Training from nothing reaches an AP that only a correct path can reach."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from data_factory import make_vis_dataset
from processes import run_bounded

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, cwd: Path) -> str:
    done = run_bounded(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '2'},
        limit=3000,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.full
def test_the_demo(tmp_path):
    said = run(ROOT / 'tools/demo.py', '--out', 'demo', cwd=tmp_path)
    assert 'AP50 on the 12 held-out videos' in said
    files = ['demo_ap.txt', 'demo.mp4', 'demo_sheet.jpg', 'demo_curves.png']
    for name in [*files, 'results.json', 'ground_truth/contact_sheet.png']:
        assert f'demo/{name}: ' in said
        assert (tmp_path / 'demo' / name).stat().st_size > 1000


@pytest.mark.full
def test_two_seeded_demos_are_equal_to_the_last_bit(tmp_path):
    """Weights, optimizer and tracks; with another seed they are not."""
    short = ['--train', '4', '--valid', '2', '--iterations', '40']
    states, results = [], []
    for out, seed in (('a', 0), ('b', 0), ('c', 1)):
        run(ROOT / 'tools/demo.py', *short, '--out', out, '--seed', seed, cwd=tmp_path)
        results.append((tmp_path / out / 'results.json').read_bytes())
        path = tmp_path / out / 'work_dir/iter_40.pth'
        checkpoint = torch.load(path, map_location='cpu', weights_only=False)
        states.append(dict(tensors(checkpoint)))
    assert len(states[0]) > 300 and states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])
    assert results[0] == results[1] != results[2]


def tensors(node: object, name: str = '') -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors below ``node`` with where they are."""
    if isinstance(node, torch.Tensor):
        yield name, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from tensors(value, f'{name}.{key}')


@pytest.mark.full
def test_a_few_videos_are_fitted(tmp_path):
    (tmp_path / 'set').mkdir()
    videos = make_vis_dataset(tmp_path / 'set', lengths=(8, 8, 8), size=(96, 160))
    options = [
        f'data_root={videos.root}/',
        *(
            f'{part}_dataloader.dataset.data_prefix.img_path={videos.prefix}'
            for part in ('train', 'val', 'test')
        ),
        *(
            f'model.detector.roi_head.{head}_head.num_classes=2'
            for head in ('bbox', 'mask')
        ),
        *('train_cfg.max_iters=250', 'train_cfg.val_interval=250'),
        *('param_scheduler.1.end=250', 'default_hooks.checkpoint.interval=250'),
    ]
    config = ROOT / 'configs/tiny/masktrack_rcnn_tiny_videos.py'
    work = ['--work-dir', 'work', '--cfg-options', *options]
    run(ROOT / 'tools/train.py', config, *work, cwd=tmp_path)
    run(ROOT / 'tools/test.py', config, 'work/iter_250.pth', *work, cwd=tmp_path)
    scores = max(tmp_path.glob('work/2*/2*.json'), key=os.path.getmtime)
    assert json.loads(scores.read_text())['youtube_vis/AP50'] >= 0.5
