"""Time of SG-Net's masks by the number of instances of a frame.

    python tools/benchmarks/blender.py --threads 1 [--out times.json]

Base masks are made once for the frame, and blended for 1, 10, 50 and 100 instances by
both readings of eq. 2: the paper's claim is that more instances cost little (section
4.4). Beside it is what the text describes: base masks made again for each instance,
from features that are zeroed outside of its box. All run in one process in turn, on the
same random features and boxes; of several rounds the least time counts. Results are
compared before anything is timed. Run it on a machine that does nothing else.

"mask ms" is the blending, "all ms" has the base masks as well, and "x" is that time
divided by the one of the first number of instances.
"""

import argparse
import json

from measuring.least_times import add_arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--instances', type=int, nargs='+', default=[1, 10, 50, 100])
    parser.add_argument(
        '--input-shape', type=int, nargs=2, default=[384, 640], help='padded to 32'
    )
    parser.add_argument(
        '--sides',
        type=float,
        nargs=2,
        default=[0.1, 0.7],
        help='least and most of the sides of boxes, as shares of the input',
    )
    parser.add_argument('--channels', type=int, default=256, help='of P3 to P5')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--seed', type=int, default=0)
    add_arguments(parser, rounds=7)
    args = parser.parse_args()
    import torch
    from measuring.blended_masks import measure

    torch.set_num_threads(args.threads)
    rows = measure(args)
    print(
        f'{args.threads} threads, {args.device}, base masks {rows[0]["base_ms"]:.1f} ms'
    )
    titles = ('pixels', 'mask ms', 'all ms', 'x', 'paper ms', 'x')
    print(f'{"blender":8s}{"instances":>10s}', *(f'{t:>9s}' for t in titles))
    for row in rows:
        print(
            f'{row["blender"]:8s}{row["instances"]:10d} {row["pixels"]:9d}',
            *(f'{row[f"{kind}_ms"]:9.1f}' for kind in ('mask', 'all')),
            f'{row["all_ratio"]:9.2f} {row["paper_ms"]:9.1f} {row["paper_ratio"]:9.2f}',
        )
    if args.out:
        settings = {name: v for name, v in vars(args).items() if name != 'out'}
        args.out.write_text(json.dumps({'settings': settings, 'rows': rows}, indent=1))


if __name__ == '__main__':
    main()
