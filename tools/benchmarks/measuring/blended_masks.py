"""SG-Net's blenders on random features, and the way that the paper describes."""

from __future__ import annotations

import argparse
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from mmvis.models.sg_net.base_mask_module import BaseMaskModule
from mmvis.models.sg_net.granularity_blender import ScalarBlender, VectorBlender

from .least_times import seconds

BLENDERS = {'scalar': ScalarBlender, 'vector': VectorBlender}


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
