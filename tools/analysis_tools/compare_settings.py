"""Test one checkpoint with several values of a setting, and print them side by side.

python tools/analysis_tools/compare_settings.py CONFIG CHECKPOINT \
    --vary model.augmentation.members all own key others
"""

from __future__ import annotations

import argparse
import copy
import json
import os.path as osp
import re
import sys
from typing import TYPE_CHECKING, Any

from mmvis.engine.command_line import (
    CommandError,
    build_runner,
    fit_classes_to_weights,
    load_config,
    make_parser,
    naming_config_keys,
    user_message,
)
from mmvis.structures.whole_file import whole_file

if TYPE_CHECKING:
    from mmengine.config import Config

SHOWN = ('AP', 'AP50', 'AP75', 'AR1', 'AR10')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__.split('\n')[0])
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--vary',
        nargs='+',
        required=True,
        metavar=('KEY', 'VALUE'),
        help='a key of the config, of what does not change the weights, and the values '
        'that it gets, as in --cfg-options',
    )
    parser.add_argument('--out', metavar='FILE.json', help='also write all metrics')
    args = parser.parse_args(argv)
    if len(args.vary) < 2:
        parser.error('--vary takes a key and at least one value')
    return args


def config_with(args: argparse.Namespace, key: str, value: str) -> Config:
    """The config with the key at a value, which is read as in --cfg-options."""
    given = copy.copy(args)
    parser = make_parser('')
    options = parser.parse_args(['', '--cfg-options', f'{key}={value}']).cfg_options
    given.cfg_options = {**(args.cfg_options or {}), **options}
    config = load_config(given)
    # Each its own folder: logs of several runs would be one.
    place = re.sub(r'[^\w.+-]+', '_', f'{key}={value}')
    config.work_dir = osp.join(config.work_dir, place)
    config.load_from, config.resume = args.checkpoint, False
    config.custom_hooks = [
        *config.get('custom_hooks', []),
        dict(type='CheckpointFitHook'),
    ]
    fit_classes_to_weights(config, given)
    return config


def metrics_of(config: Config) -> dict[str, float]:
    """Those of a test, without the prefix of the metric."""
    with naming_config_keys(config):
        found = build_runner(config).test()
    return {name.rsplit('/', 1)[-1]: float(value) for name, value in found.items()}


def table(key: str, rows: dict[str, dict[str, float]]) -> str:
    """A line a value."""
    names = [name for name in SHOWN if any(name in row for row in rows.values())]
    width = max(len(text) for text in (key, *rows))
    lines = [f'{key:{width}}' + ''.join(f'{name:>8}' for name in names)]
    for value, row in rows.items():
        cells = (row.get(name, float('nan')) for name in names)
        lines.append(f'{value:{width}}' + ''.join(f'{cell:8.3f}' for cell in cells))
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    key, *values = args.vary
    rows: dict[str, dict[str, float]] = {}
    try:
        if not osp.isfile(args.checkpoint):
            raise CommandError(f'The checkpoint {args.checkpoint} does not exist.')
        for value in dict.fromkeys(values):
            rows[value] = metrics_of(config_with(args, key, value))
            if args.out:
                write(args.out, {'key': key, 'metrics': rows})
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        print(f'compare_settings: {message}', file=sys.stderr)
        return 1
    finally:
        if rows:
            print(table(key, rows))
    return 0


def write(path: str, content: Any) -> None:
    with whole_file(path) as file:
        file.write(json.dumps(content, indent=2) + '\n')


if __name__ == '__main__':
    sys.exit(main())
