"""From --resume at iteration 100,000 to the first step, beside a training from anew.

    python tools/benchmarks/resume.py

The set is of the size of YouTube-VIS 2019 (dataset.py writes its annotation file): 2238
videos, 62 thousand frames of 720p, 100 thousand masks. All frames are one picture under
many names. The model is small, so that what is timed is reading the set, the checkpoint
and the first batch. A training that begins runs one iteration; then its checkpoint is
given out as that of iteration 100,000 of 16 clips, and goes on for one more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/tiny/stmask_tiny_videos.py'
CLIPS = 16
OPTIONS = (
    'val_dataloader=None val_cfg=None val_evaluator=None model.init_cfg=None '
    'train_dataloader.batch_size=2 train_dataloader.num_workers=1 '
    'default_hooks.checkpoint.interval=1'
)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--videos', type=int, default=2238)
    parser.add_argument('--iteration', type=int, default=100_000)
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        report = measure(Path(name), args.videos, args.iteration)
    for kind in ('anew', 'resumed'):
        row = report[kind]
        print(f'{kind:10s}{row["cpu_s"]:8.1f} s of CPU time, {row["wall_s"]:.1f} s')
    print(f'resumed / anew {report["ratio"]:.3f}')
    if args.out:
        args.out.write_text(json.dumps(report, indent=1))


def measure(folder: Path, videos: int, iteration: int) -> dict:
    """Both runs, on a set in this folder."""
    write_set(folder, videos)
    report = dict(anew=train(folder, 1))
    pretend(folder / 'run', iteration)
    report['resumed'] = train(folder, iteration + 1, '--resume')
    last = (folder / 'run/last_checkpoint').read_text()
    if not last.endswith(f'iter_{iteration + 1}.pth'):
        raise RuntimeError(f'It did not go on from {iteration}: {last}.')
    report['ratio'] = report['resumed']['cpu_s'] / report['anew']['cpu_s']
    return report


def write_set(folder: Path, videos: int) -> None:
    """An annotation file, and frames that are links to one picture."""
    import cv2
    import numpy as np
    from dataset import HEIGHT, WIDTH, write_annotation_file

    path = folder / 'instances.json'
    write_annotation_file(path, videos)
    text = path.read_text()
    end = text.index('"annotations"')
    content = json.loads(text[:end].rstrip(', ') + '}')
    names: set[str] = set()
    for video in content['videos']:
        video['file_names'] = [f'same/{n.split("/")[1]}' for n in video['file_names']]
        names.update(video['file_names'])
    head = json.dumps(content)[:-1]
    path.write_text(f'{head}, {text[end:]}')
    frames = folder / 'train/JPEGImages'
    (frames / 'same').mkdir(parents=True)
    picture = folder / 'picture.jpg'
    cv2.imwrite(str(picture), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    for name in names:
        os.link(picture, frames / name)


def train(folder: Path, iterations: int, *words: str) -> dict[str, float]:
    """Train up to an iteration in a process of its own; what that took."""
    options = f'data_root={folder}/ train_cfg.max_iters={iterations} {OPTIONS}'
    command = [sys.executable, ROOT / 'tools/train.py', CONFIG, *words]
    command += ['--work-dir', folder / 'run', '--cfg-options', *options.split()]
    before, start = _cpu(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return dict(cpu_s=_cpu() - before, wall_s=time.perf_counter() - start)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pretend(work_dir: Path, iteration: int) -> None:
    """Give the only checkpoint out as a later one."""
    import torch

    from mmvis.engine.checkpoint import load_checkpoint_file

    path = work_dir / 'iter_1.pth'
    content = load_checkpoint_file(path)
    content['meta']['iter'] = iteration
    content['progress'] = dict(drawn=iteration * CLIPS, in_epoch=iteration * CLIPS)
    later = work_dir / f'iter_{iteration}.pth'
    torch.save(content, later)
    path.unlink()
    (work_dir / 'last_checkpoint').write_text(str(later))


if __name__ == '__main__':
    main()
