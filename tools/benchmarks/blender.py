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
from functools import partial

import torch
from measuring.least_times import add_arguments, seconds
from torch import Tensor, nn
from torch.nn.functional import conv2d

from mmvis.models.sg_net.base_mask_module import BaseMaskModule
from mmvis.models.sg_net.granularity_blender import ScalarBlender, VectorBlender

BLENDERS = {'scalar': ScalarBlender, 'vector': VectorBlender}


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


@torch.no_grad()
def measure(args: argparse.Namespace) -> list[dict[str, str | int | float]]:
    """A row for each blender and number of instances.

    Raises:
        AssertionError: If masks are not those that the paper's way gives.
    """
    torch.manual_seed(args.seed)
    norm_cfg = dict(type='GN', num_groups=32)
    module = BaseMaskModule(args.channels, norm_cfg=norm_cfg).to(args.device).eval()
    height, width = args.input_shape
    feats = [
        torch.randn(1, args.channels, height // stride, width // stride).to(args.device)
        for stride in (8, 16, 32)
    ]
    base_masks = module(feats)[0]
    features = upsampled_features(module, feats)
    boxes = {n: random_boxes(n, args).to(args.device) for n in args.instances}
    rows, calls = [], {'base': partial(module, feats)}
    for name, blender in ((name, make()) for name, make in BLENDERS.items()):
        for count, bboxes in boxes.items():
            scores = torch.randn(count, blender.num_scores, device=args.device)
            mask = partial(blender, base_masks, scores, bboxes, args.input_shape)
            paper = partial(
                by_instance,
                blender,
                module.project,
                features,
                scores,
                bboxes,
                args.input_shape,
            )
            masks = mask()
            torch.testing.assert_close(masks, paper(), atol=1e-4, rtol=1e-4)
            calls |= {(name, count, 'mask'): mask, (name, count, 'paper'): paper}
            pixels = int((masks > 0).sum())
            rows.append(dict(blender=name, instances=count, pixels=pixels))
    times = {name: [] for name in calls}
    for _ in range(args.rounds):
        for name, call in calls.items():
            times[name].append(1000 * seconds(call))
    base = min(times['base'])
    for row in rows:
        name, count = row['blender'], row['instances']
        mask, paper = (min(times[name, count, kind]) for kind in ('mask', 'paper'))
        # All but the last convolution is once a frame in either way.
        row.update(
            base_ms=base, mask_ms=mask, all_ms=base + mask, paper_ms=base + paper
        )
    for kind in ('all', 'paper'):
        for row in rows:
            first = next(r for r in rows if r['blender'] == row['blender'])
            row[f'{kind}_ratio'] = row[f'{kind}_ms'] / first[f'{kind}_ms']
    return rows


def upsampled_features(module: BaseMaskModule, feats: list[Tensor]) -> Tensor:
    """F of section 3.2, (C, h, w): what the last 1x1 convolution gets in the paper."""
    project, module.project = module.project, nn.Identity()
    features = module(feats)[0]
    module.project = project
    return features


def by_instance(
    blender: nn.Module,
    project: nn.Conv2d,
    features: Tensor,
    scores: Tensor,
    bboxes: Tensor,
    input_shape: list[int],
) -> Tensor:
    """Soft masks (n, h, w): base masks of each instance by itself."""
    height, width = features.shape[-2:]
    x = (torch.arange(width, device=features.device) + 0.5) * input_shape[1] / width
    y = (torch.arange(height, device=features.device) + 0.5) * input_shape[0] / height
    masks = features.new_zeros(len(bboxes), height, width)
    for mask, box, score in zip(masks, bboxes, scores, strict=True):
        rows, columns = (y >= box[1]) & (y < box[3]), (x >= box[0]) & (x < box[2])
        local = features * (rows[:, None] & columns)
        own = conv2d(local[None], project.weight, project.bias)[0]
        mask.copy_(blender(own, score[None], box[None], input_shape)[0])
    return masks


def random_boxes(count: int, args: argparse.Namespace) -> Tensor:
    """Boxes (n, 4) xyxy in pixels, inside of the input."""
    shape = torch.tensor(args.input_shape[::-1], dtype=torch.float32)
    least, most = args.sides
    sides = (least + (most - least) * torch.rand(count, 2)) * shape
    low = torch.rand(count, 2) * (shape - sides)
    return torch.cat([low, low + sides], 1)


if __name__ == '__main__':
    main()
