"""Test a model: ``mim test mmvis CONFIG --checkpoint FILE``, or this script."""

from __future__ import annotations

import argparse
import os.path as osp
from typing import TYPE_CHECKING

from mmvis.engine.command_line import (
    CommandError,
    build_runner,
    fit_classes_to_weights,
    load_config,
    make_parser,
    naming_config_keys,
    run_command,
)

if TYPE_CHECKING:
    from mmengine.config import Config


def parse_args() -> argparse.Namespace:
    parser = make_parser('Test a video instance segmentation model.')
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    parser.add_argument(
        '--out',
        metavar='FILE.json',
        help='also write the results, as a YouTube-VIS json and a zip beside it',
    )
    parser.add_argument(
        '--format-only',
        action='store_true',
        help='only write the results (for a split without annotations); with --out, or '
        'to <work dir>/results.json',
    )
    parser.add_argument(
        '--show-dir', metavar='DIR', help='draw the tracks and write one mp4 a video'
    )
    return parser.parse_args()


def apply_args(config: Config, args: argparse.Namespace) -> None:
    """Write the test options into the config."""
    if '://' not in args.checkpoint and not osp.isfile(args.checkpoint):
        raise CommandError(f'The checkpoint {args.checkpoint} does not exist.')
    config.load_from, config.resume = args.checkpoint, False

    out = args.out
    if args.format_only and out is None:
        out = osp.join(config.work_dir, 'results.json')
    if out is not None:
        evaluators = config.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        names = ('YouTubeVISMetric', 'mmvis.YouTubeVISMetric')
        ours = [evaluator for evaluator in evaluators if evaluator['type'] in names]
        if not ours:
            raise CommandError(
                f'--out and --format-only need a YouTubeVISMetric in test_evaluator of '
                f'{args.config}.'
            )
        for evaluator in ours:
            evaluator['outfile_prefix'] = osp.splitext(out)[0]
            if args.format_only:
                evaluator['format_only'] = True
    if args.show_dir is not None:
        hook = config.default_hooks.get('visualization', {})
        config.default_hooks['visualization'] = {
            'type': 'VISVisualizationHook',
            **hook,
            'draw': True,
            'out_dir': osp.abspath(args.show_dir),
        }
    config.custom_hooks = [
        *config.get('custom_hooks', []),
        dict(type='CheckpointFitHook'),
    ]


def main() -> None:
    args = parse_args()
    config = load_config(args)
    apply_args(config, args)
    said = fit_classes_to_weights(config, args)
    with naming_config_keys(config):
        runner = build_runner(config)
        if said:
            runner.logger.info(said)
        runner.test()


if __name__ == '__main__':
    run_command(main)
