"""``python -m mmvis export``: a config and its weights to ONNX."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmvis.dependencies import check_for_models
from mmvis.engine.command_line import user_message
from mmvis.engine.key_values import KeyValues

EXAMPLES = """\
examples:

  # writes stmask_r50.onnx and stmask_r50.temporal.onnx
  python -m mmvis export stmask_r50 --weights stmask_r50.pth

  # frames of any size and shape; then a video, without torch
  python -m mmvis export stmask_r50 --weights s.pth --dynamic --out any.onnx
  python -m mmvis dancers.mp4 --config any.onnx
"""


def make_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog='python -m mmvis export',
        description='Write the networks of a model for other runtimes.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file, or the name of one of mmvis')
    parser.add_argument(
        '--weights', help="checkpoint, file or URL (default: the config's load_from)"
    )
    parser.add_argument(
        '--format',
        choices=('onnx', 'torch-export'),
        default='onnx',
        help='onnx, or a program of torch.export (default: onnx)',
    )
    parser.add_argument(
        '--out', help='file of the frame network (default: NAME.onnx or NAME.pt2)'
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="frames are resized to fit in it (default: the config's test scale)",
    )
    parser.add_argument(
        '--dynamic',
        action='store_true',
        help='frames of any size, resized as the config says',
    )
    parser.add_argument('--half', action='store_true', help='in float16 (onnx only)')
    parser.add_argument(
        '--deformable',
        choices=('DeformConv', 'GridSample'),
        default='DeformConv',
        help='what deformable convolutions become: GridSample for a runtime without '
        'DeformConv of opset 19 (default: DeformConv)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='entries of the config to replace',
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, or 1 for what cannot be exported."""
    args = make_parser().parse_args(argv)
    suffix = '.onnx' if args.format == 'onnx' else '.pt2'
    out = args.out or Path(args.config).stem + suffix
    try:
        check_for_models()
        from .exporting import export_model  # which takes seconds

        files = export_model(
            args.config,
            args.weights,
            out,
            format=args.format,
            size=None if args.size is None else tuple(args.size),
            half=args.half,
            dynamic=args.dynamic,
            deformable=args.deformable,
            cfg_options=args.cfg_options,
        )
    except Exception as error:
        message = None if os.environ.get('MMVIS_TRACEBACK') else user_message(error)
        if message is None:
            raise
        print(f'mmvis: error: {message}', file=sys.stderr)
        return 1
    for path in files:
        print(f'wrote {path} ({path.stat().st_size / 2**20:.1f} MiB)')
    return 0
