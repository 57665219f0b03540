"""Rewrite a checkpoint of any form as weights alone, to publish or to start from.

python tools/model_converters/weights.py work_dirs/x/iter_800.pth --out x.safetensors
python tools/model_converters/weights.py x.safetensors --out x.pth --dtype float16

Names lose what trainers put before them (module., _orig_mod.), class names are kept,
and NaN is refused. The end of --out, .pth or .safetensors, decides what is written.
"""

from __future__ import annotations

import argparse
import os
import sys

from mmvis.engine.checkpoint_files import find_checkpoint
from mmvis.engine.errors import CheckpointError, CommandError


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='checkpoint of any form')
    parser.add_argument('--out', required=True, help='FILE.pth or FILE.safetensors')
    parser.add_argument(
        '--dtype',
        choices=['float32', 'float16', 'bfloat16'],
        help='of floating-point weights (default: as they are)',
    )
    parser.add_argument(
        '--ema',
        action='store_true',
        help='the averaged weights, of a file that keeps both (mmengine writes them as '
        'the ordinary ones)',
    )
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> str:
    """Write the file; returns what to say of it."""
    source = find_checkpoint(args.source)
    end = os.path.splitext(args.out)[1]
    if end not in ('.pth', '.safetensors'):
        raise CommandError(f'--out {args.out} ends neither in .pth nor .safetensors.')
    # What takes seconds to import comes after what is quick to find out.
    import torch

    from mmvis.engine.checkpoint import load_checkpoint_file
    from mmvis.engine.checkpoint_fit import plain_state_dict
    from mmvis.engine.checkpoint_forms import refuse_non_finite, unified
    from mmvis.engine.safetensors_files import write_safetensors
    from mmvis.engine.whole_checkpoint import write_whole

    loaded = load_checkpoint_file(source, 'cpu')
    content = unified(loaded, source, averaged=args.ema)
    weights = plain_state_dict(content)
    if args.dtype:
        wanted = getattr(torch, args.dtype)
        weights = {
            name: value.to(wanted) if value.is_floating_point() else value
            for name, value in weights.items()
        }
        # What is too large for float16 is infinite there.
        refuse_non_finite(weights, f'{source} as {args.dtype}')
    meta = content.get('meta') or {}
    dataset_meta = meta.get('dataset_meta')
    if end == '.safetensors':
        write_safetensors(args.out, weights, dataset_meta)
    else:
        kept = dict(dataset_meta=dataset_meta) if dataset_meta else {}
        write_whole(dict(meta=kept, state_dict=weights), args.out)
    return f'wrote {len(weights)} tensors to {args.out}'


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        print(convert(args))
    except (CheckpointError, CommandError, OSError) as error:
        print(f'weights: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
