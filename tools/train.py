"""Train a model: ``mim train mmvis CONFIG``, or this script."""

from __future__ import annotations

import argparse
import os.path as osp
from typing import TYPE_CHECKING

from mmvis.engine.command_line import (
    CommandError,
    build_runner,
    fit_classes_to_data,
    load_config,
    make_parser,
    naming_config_keys,
    run_command,
)

if TYPE_CHECKING:
    from mmengine.config import Config


def parse_args() -> argparse.Namespace:
    parser = make_parser('Train a video instance segmentation model.')
    parser.add_argument(
        '--amp', action='store_true', help='train in mixed precision (on a GPU)'
    )
    parser.add_argument(
        '--seed',
        type=int,
        help='of everything random; on a CPU, two runs with as many threads are then '
        'equal to the last bit',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by batch size / the config's base_batch_size",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or without a value from the latest one of '
        'the work dir',
    )
    return parser.parse_args()


def apply_args(config: Config, args: argparse.Namespace) -> None:
    """Write the training options into the config."""
    on_cpu = False
    if args.amp or args.seed is not None:
        from mmengine.device import get_device

        on_cpu = get_device() == 'cpu'
    if args.amp:
        if on_cpu:
            raise CommandError('--amp needs a GPU: train without it on a CPU.')
        config.optim_wrapper.type = 'AmpOptimWrapper'
        config.optim_wrapper.loss_scale = 'dynamic'
    if args.seed is not None:
        if not 0 <= args.seed < 2**32:
            raise CommandError(
                f'--seed is a whole number from 0 to 2^32 - 1, not {args.seed}.'
            )
        # On a GPU some operators have no deterministic form and would raise.
        config.randomness = dict(
            config.get('randomness', {}),
            seed=args.seed,
            deterministic=on_cpu,
        )
    if args.auto_scale_lr:
        if not config.get('auto_scale_lr', {}).get('base_batch_size'):
            raise CommandError(
                f'--auto-scale-lr needs auto_scale_lr.base_batch_size in {args.config}.'
            )
        config.auto_scale_lr.enable = True
    if args.resume == 'auto':
        config.resume, config.load_from = True, None
    elif args.resume is not None:
        if '://' not in args.resume and not osp.isfile(args.resume):
            raise CommandError(f'The checkpoint {args.resume} does not exist.')
        config.resume, config.load_from = True, args.resume


def main() -> None:
    args = parse_args()
    config = load_config(args)
    apply_args(config, args)
    said = fit_classes_to_data(config, args)
    with naming_config_keys(config):
        runner = build_runner(config)
        if said:
            runner.logger.info(said)
        runner.train()


if __name__ == '__main__':
    run_command(main)
