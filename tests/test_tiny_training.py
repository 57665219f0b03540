"""Training from nothing reaches an AP that only a correct path can reach."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from data_factory import make_vis_dataset

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '2'},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.full
def test_the_demo(tmp_path):
    said = run(ROOT / 'tools/demo.py', '--out', 'demo', cwd=tmp_path)
    assert 'AP50 on the 12 held-out videos' in said
    for name in ('demo.mp4', 'demo_sheet.jpg', 'demo_curves.png', 'results.json'):
        assert (tmp_path / 'demo' / name).stat().st_size > 1000


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
