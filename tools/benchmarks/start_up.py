"""What the commands take before they do anything, measured against `import torch`.

    python tools/benchmarks/start_up.py --rounds 5 --out start_up.json

Times are CPU seconds (user and system) of the whole process, which a busy machine
changes little, the least of several rounds; a round runs everything once, `import
torch` too. "x torch" is a command's time divided by that of `import torch`. Measured
are `import mmvis`, the --help of every script, the commands that need no network on a
set of two small videos, mistakes that are told before a network is built, and the
shortest runs of those that build one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from measuring.small_set import (
    NETWORK_WORK,
    TOOLS,
    small_commands,
    write_small_set,
)

TORCH = 'import torch'
NO_VIDEO = ['no_such_video.mp4', '--config', 'stmask_r50']


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=3, help='the least time counts')
    parser.add_argument('--only', help='commands whose row has this text')
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        rows = make_rows(Path(folder))
        chosen = {
            title: words
            for title, words in rows.items()
            if title == TORCH or not args.only or args.only in title
        }
        times: dict[str, list[float]] = {title: [] for title in chosen}
        for _ in range(args.rounds):
            for title, words in chosen.items():
                times[title].append(cpu_seconds(words, folder))
    least = {title: min(seconds) for title, seconds in times.items()}
    print(f'{"CPU s":>7s}{"x torch":>9s}  command')
    for title, seconds in least.items():
        print(f'{seconds:7.2f}{seconds / least[TORCH]:9.3f}  {title}')
    if args.out:
        ratios = {title: value / least[TORCH] for title, value in least.items()}
        report = dict(rounds=args.rounds, cpu_seconds=least, ratios=ratios)
        args.out.write_text(json.dumps(report, indent=1))


def make_rows(folder: Path) -> dict[str, list[str]]:
    """The commands by the titles of their rows."""
    python = sys.executable
    rows = {code: [python, '-c', code] for code in (TORCH, 'import mmvis')}
    rows['python -m mmvis --help'] = [python, '-m', 'mmvis', '--help']
    script = Path(sysconfig.get_path('scripts'), 'mmvis')
    if script.is_file():
        rows['mmvis --help'] = [str(script), '--help']
    for path in scripts():
        rows[f'{path.relative_to(TOOLS)} --help'] = [python, str(path), '--help']
    write_small_set(folder)
    for title, words in small_commands(folder).items():
        rows[f'{title} on a small set'] = [python, *words]
    rows['python -m mmvis, no such video'] = [python, '-m', 'mmvis', *NO_VIDEO]
    for name in ('train', 'test'):
        words = [python, str(TOOLS / f'{name}.py'), 'no_such_config.py']
        rows[f'{name}.py, no such config'] = words + ['x.pth'] * (name == 'test')
    for title, words in small_commands(folder, NETWORK_WORK).items():
        rows[title] = [python, *words]
    return rows


def scripts() -> list[Path]:
    """Everything in tools/ that is called by a user: what make calls is not."""
    return [
        path
        for path in sorted(TOOLS.rglob('*.py'))
        if not (path.parent / '__init__.py').exists()
        and path.parent.name != 'environment'
    ]


def cpu_seconds(words: list[str], folder: str) -> float:
    """CPU seconds of a command and all that it starts, in a folder.

    Raises:
        RuntimeError: It did not end as it should.
    """
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    mistaken = any('no_such' in word for word in words)
    if mistaken != (process.returncode != 0) or 'Traceback' in said:
        raise RuntimeError(f'{" ".join(words)} ended with\n{said[-2000:]}')
    return usage.ru_utime + usage.ru_stime


if __name__ == '__main__':
    main()
