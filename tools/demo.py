"""The whole path in minutes: make SynthVIS, train, test, and draw what came out.

python tools/demo.py --out demo

Every step is a command that a user can type; each is printed before it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
CONFIG = CONFIGS / 'tiny/stmask_tiny_synthvis.py'

# Chance level is 0.0; a model that learned reaches several times this in the demo's
# minutes, so that less means that something is broken.
LEAST_AP50 = 0.25


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=Path('demo'), help='folder to fill')
    parser.add_argument('--config', type=Path, default=CONFIG, help='a tiny config')
    parser.add_argument('--train', type=int, default=40, help='training videos')
    parser.add_argument('--valid', type=int, default=12, help='validation videos')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='as of tools/train.py'
    )
    return parser.parse_args()


def run(title: str, script: str, *args: object) -> float:
    """Run one of the tools with this Python and time it; a failure ends the demo."""
    command = [sys.executable, str(TOOLS / script), *map(str, args)]
    print(f'\n== {title}\n$ {shlex.join(["python", *command[1:]])}', flush=True)
    start = time.perf_counter()
    code = subprocess.call(command, env={**os.environ, 'PYTHONUNBUFFERED': '1'})
    if code:
        raise SystemExit(f'The demo stopped: "{title}" failed with exit code {code}.')
    return time.perf_counter() - start


def newest(folder: Path, pattern: str) -> Path:
    """The file of the latest run under a work dir."""
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


def main() -> int:
    args = parse_args()
    out, data, work_dir = args.out, args.out / 'synth_vis_tiny', args.out / 'work_dir'
    out.mkdir(parents=True, exist_ok=True)
    options = [f'data_root={data}/', *args.cfg_options]
    seconds = {}

    seconds['data'] = run(
        'Make the SynthVIS videos',
        'dataset_tools/synth_vis.py',
        *('--out', data, '--preset', 'tiny'),
        *('--train', args.train, '--valid', args.valid),
    )
    train = ['--work-dir', work_dir, '--cfg-options', *options]
    seconds['train'] = run('Train', 'train.py', args.config, *train)
    checkpoint = (work_dir / 'last_checkpoint').read_text().strip()
    results = out / 'results.json'
    seconds['test'] = run(
        'Test on the validation split',
        'test.py',
        *(args.config, checkpoint, '--work-dir', work_dir, '--out', results),
        *('--cfg-options', *options),
    )
    scores = json.loads(newest(work_dir, '2*/2*.json').read_text())
    seconds['draw'] = run(
        'Draw the tracks beside the ground truth',
        'analysis_tools/render_results.py',
        *('--ann', data / 'valid/instances.json'),
        *('--img-prefix', data / 'valid/JPEGImages', '--results', results),
        *('--compare', '--out', out / 'demo.mp4', '--sheet', out / 'demo_sheet.jpg'),
        *('--columns', 4, '--cell-width', 320),
    )
    seconds['draw'] += run(
        'Plot the training curves',
        'analysis_tools/plot_curves.py',
        *(work_dir, '--out', out / 'demo_curves.png'),
    )

    print('\n== Done in', ', '.join(f'{k} {v:.0f} s' for k, v in seconds.items()))
    for name in ('demo.mp4', 'demo_sheet.jpg', 'demo_curves.png', 'results.json'):
        print(f'   {out / name}')
    print(f'   {checkpoint}')
    ap50 = scores['youtube_vis/AP50']
    if not isinstance(ap50, float) or not ap50 >= LEAST_AP50:
        print(
            f'\nAP50 on the validation split is {ap50}, but at least {LEAST_AP50} was '
            'expected: something is wrong with this installation.'
        )
        return 1
    print(f'\nAP50 on the {args.valid} held-out videos: {ap50:.3f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
