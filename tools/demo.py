"""The whole path in minutes: make SynthVIS, train, test, and draw what came out.

python tools/demo.py --out demo

Every step is a command that a user can type; each is printed before it runs. Everything
is seeded: on one machine's CPU two runs give the same numbers. A run that was
interrupted goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
CONFIG = CONFIGS / 'tiny/stmask_tiny_synthvis.py'
# What two slow cores do in four and a half minutes. Clips a step: half of the config's,
# since what is short of steps gains more by their number than by their size.
ITERATIONS = 500
BATCH_SIZE = 2
# Chance level is 0.0, and a model that learned reaches about 0.3 in the demo's minutes:
# far less means that something is broken.
LEAST_AP50 = 0.15
# Sizes of SynthVIS' objects, as shares of the frame; see docs/en/synth_vis.md.
AREAS = '--area-range s 0 0.0125 --area-range m 0.0125 0.03 --area-range l 0.03 1'

# What it leaves, with what to say of it.
FILES = {
    'demo_ap.txt': 'AP, by attribute and category',
    'demo.mp4': 'ground truth beside the tracks, all videos',
    'demo_sheet.jpg': 'the same on one page',
    'demo_curves.png': 'losses while it learned',
    'ground_truth/contact_sheet.png': 'what it learned from',
    'results.json': 'the tracks, as the evaluation server takes them',
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=Path('demo'), help='folder to fill')
    parser.add_argument('--config', type=Path, default=CONFIG, help='a tiny config')
    parser.add_argument('--train', type=int, default=40, help='training videos')
    parser.add_argument('--valid', type=int, default=12, help='validation videos')
    parser.add_argument(
        '--iterations', type=int, default=ITERATIONS, help='default: %(default)s'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the training')
    parser.add_argument(
        '--threads',
        type=int,
        default=2,
        help="torch's, whatever OMP_NUM_THREADS says (default: %(default)s; another "
        'number rounds otherwise and so gives another AP)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='as of tools/train.py'
    )
    args = parser.parse_args()
    if args.iterations < 20:
        parser.error('--iterations: 20 at least, of which one is logged')
    return args


class Steps:
    """Runs the tools with this Python, one after another, and times them.

    Args:
        threads (int): Of each process.
    """

    def __init__(self, threads: int) -> None:
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}
        # Threads that wait for each other sleep: where other programs run too, spinning
        # ones would make two threads slower than one.
        self.environment = {
            **os.environ,
            'PYTHONUNBUFFERED': '1',
            'PYTHONIOENCODING': 'utf-8',
            'OMP_NUM_THREADS': str(threads),
            'MKL_NUM_THREADS': str(threads),
            'OMP_WAIT_POLICY': 'passive',
        }

    def run(
        self, title: str, script: str, *args: object, save: Path | None = None
    ) -> None:
        """Run a tool; a failure ends the demo.

        Args:
            title: says what it does; its time is kept under this name.
            script: path below tools/.
            args: its arguments.
            save: a file that gets what it prints, too.
        """
        command = [sys.executable, str(TOOLS / script), *map(str, args)]
        print(f'\n== {title}\n$ {shlex.join(["python", *command[1:]])}', flush=True)
        start = time.perf_counter()
        pipe = None if save is None else subprocess.PIPE
        # In a session of its own: ctrl-C reaches the demo alone, which ends the step
        # and its workers without their traces.
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdout=pipe,
            encoding='utf-8',
            start_new_session=True,
        )
        try:
            if save is not None:
                printed, _ = process.communicate()
                print(printed, end='', flush=True)
                save.write_text(printed.lstrip('\n'), encoding='utf-8')
            code = process.wait()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        if code:
            raise SystemExit(
                f'The demo stopped: "{title}" failed with exit code {code}.'
            )
        self.seconds[title] = time.perf_counter() - start

    def total(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.start


def main() -> int:
    args = parse_args()
    check_settings(args)
    # Being told to end in another way is the same as ctrl-C.
    others = signal.SIGTERM, signal.SIGHUP
    before = [signal.signal(other, signal.default_int_handler) for other in others]
    try:
        return demo(args, Steps(args.threads))
    except KeyboardInterrupt:
        print('\nInterrupted. The same command goes on from here.', file=sys.stderr)
        return 130
    finally:
        for other, handler in zip(others, before, strict=True):
            signal.signal(other, handler)


def demo(args: argparse.Namespace, steps: Steps) -> int:
    """Run all steps; returns the exit code."""
    out, data, work_dir = args.out, args.out / 'synth_vis_tiny', args.out / 'work_dir'
    valid = data / 'valid/instances.json'
    options = ['--cfg-options', f'data_root={data}/', *args.cfg_options]

    steps.run(
        'Make the SynthVIS videos',
        'dataset_tools/synth_vis.py',
        *('--out', data, '--preset', 'tiny'),
        *('--train', args.train, '--valid', args.valid),
    )
    steps.run(
        'Draw the ground truth of some of them',
        'dataset_tools/browse.py',
        *('--ann', data / 'train/instances.json'),
        *('--img-prefix', data / 'train/JPEGImages'),
        *('--max-videos', 6, '--out', out / 'ground_truth'),
    )
    first = steps.total()
    train(args, steps, work_dir, options)
    checkpoint, results = latest(work_dir), out / 'results.json'
    steps.run(
        'Test on the validation split',
        'test.py',
        *(args.config, checkpoint, '--work-dir', work_dir, '--out', results),
        *options,
    )
    steps.run(
        'Measure AP by category',
        'analysis_tools/eval_results.py',
        *(results, valid, '--classwise', '--area-unit', 'frame'),
        *AREAS.split(),
        *('--out', out / 'demo_ap.json'),
        save=out / 'demo_ap.txt',
    )
    steps.run(
        'Draw the tracks beside the ground truth',
        'analysis_tools/render_results.py',
        *('--ann', valid, '--img-prefix', data / 'valid/JPEGImages'),
        *('--results', results, '--compare'),
        *('--out', out / 'demo.mp4', '--sheet', out / 'demo_sheet.jpg'),
    )
    steps.run(
        'Plot the training curves',
        'analysis_tools/plot_curves.py',
        *(work_dir, '--out', out / 'demo_curves.png'),
    )

    print(f'\n== Done in {steps.total():.0f} s')
    for title, seconds in steps.seconds.items():
        print(f'   {seconds:4.0f} s  {title}')
    print(
        f'   The first picture was there after {first:.0f} s.\n\n== What is in {out}/'
    )
    for name, what in FILES.items():
        print(f'   {out / name}: {what}')
    print(f'   {checkpoint}: the trained model')
    return verdict(args, json.loads((out / 'demo_ap.json').read_text())['AP50'])


def check_settings(args: argparse.Namespace) -> None:
    """Refuse to go on with what was begun with other settings."""
    path = args.out / 'settings.json'
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(args).items()
        if name != 'out'
    }
    try:
        before = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        before = {} if (args.out / 'work_dir').exists() else settings
    other = next((name for name in settings if before.get(name) != settings[name]), '')
    if other:
        raise SystemExit(
            f'{args.out} was begun with other settings ({other}: '
            f'{before.get(other, "not known")}, now {settings[other]}): remove it, or '
            'give another folder as --out.'
        )
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + '\n', encoding='utf-8')
    except OSError as error:
        raise SystemExit(
            f'{args.out} cannot be written to: {error.strerror}.'
        ) from None


def train(
    args: argparse.Namespace, steps: Steps, work_dir: Path, options: list[str]
) -> None:
    """Train, or go on with it; nothing is done where it is done already."""
    if latest(work_dir) == work_dir / f'iter_{args.iterations}.pth':
        print(f'\n== {latest(work_dir)} is trained already.')
        return
    begun = latest(work_dir)
    if begun is not None:
        print(f'\n== Going on from {begun}.')
    warm_up = min(100, args.iterations // 5)
    steps.run(
        'Train',
        'train.py',
        *(args.config, '--work-dir', work_dir, '--seed', args.seed),
        *(['--resume'] if begun is not None else []),
        *options,
        f'train_dataloader.batch_size={BATCH_SIZE}',
        f'train_cfg.max_iters={args.iterations}',
        *(f'param_scheduler.{key}={warm_up}' for key in ('0.end', '1.begin')),
        f'param_scheduler.1.end={args.iterations}',
        'default_hooks.checkpoint.interval=50',
        # The next step measures what is in the end.
        *('val_cfg=None', 'val_dataloader=None', 'val_evaluator=None'),
    )


def latest(work_dir: Path) -> Path | None:
    """The newest checkpoint of a training."""
    path = work_dir / 'last_checkpoint'
    if not path.is_file():
        return None
    checkpoint = work_dir / Path(path.read_text().strip()).name
    return checkpoint if checkpoint.is_file() else None


def verdict(args: argparse.Namespace, ap50: float | None) -> int:
    """Say how good it is, and whether it should be better; returns the exit code."""
    usual = args.iterations >= ITERATIONS and args.config == CONFIG
    if ap50 is None or (usual and not ap50 >= LEAST_AP50):
        print(
            f'\nAP50 on the validation split is {ap50}, but at least {LEAST_AP50} was '
            'expected: something is wrong with this installation.'
        )
        return 1
    print(f'\nAP50 on the {args.valid} held-out videos: {ap50:.3f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
