"""KernelAnchorGenerator against loops and the released priors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.models.stmask import kernel_anchor_generator
from mmvis.registry import TASK_UTILS

FIXTURES = Path(__file__).parents[2] / 'fixtures/stmask'
SIZES = [(3, 4), (2, 2), (1, 1)]
INPUT = (24, 40)


def build(**kwargs):
    return TASK_UTILS.build(dict(type='KernelAnchorGenerator', **kwargs))


def loop(shapes, sizes, input_shape):
    rows = []
    for height, width in sizes:
        down, right = input_shape[0] / height, input_shape[1] / width
        for y in range(height):
            for x in range(width):
                for h, w in shapes:
                    cx, cy = (x + 0.5) * right, (y + 0.5) * down
                    half = (w * right / 2, h * down / 2)
                    rows.append(
                        [cx - half[0], cy - half[1], cx + half[0], cy + half[1]]
                    )
    return torch.tensor(rows)


def test_gives_the_priors_of_the_release():
    with np.load(FIXTURES / 'raw_r50_ada_frame0.npz') as file:
        sizes = file['level_hw'].tolist()
        centre, extent = torch.from_numpy(file['priors_step5']).split(2, dim=1)
    size = torch.tensor([320.0, 192.0])
    corners = [(centre - extent / 2) * size, (centre + extent / 2) * size]
    anchors = build().grid_anchors(sizes, (192, 320))
    torch.testing.assert_close(anchors[::5], torch.cat(corners, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    'settings, kernels, shapes',
    [
        (dict(), [(3, 3), (3, 5), (5, 3)], [(3, 3), (3, 5), (5, 3)]),
        (
            dict(kernel_sizes=[[3, 3], [3, 2]], scales=(1.0, 2.0)),
            [(3, 3), (3, 3), (3, 2), (3, 2)],
            [(3, 3), (6, 6), (3, 2), (6, 4)],
        ),
        (
            dict(kernel_sizes=((3, 3),) * 3, ratios=(1, 0.25, 4), base_cells=4),
            [(3, 3)] * 3,
            [(4, 4), (2, 8), (8, 2)],
        ),
    ],
)
def test_gives_the_anchors_of_a_loop(settings, kernels, shapes):
    generator = build(**settings)
    assert generator.kernels == kernels
    assert generator.cells == shapes
    assert generator.num_anchors == len(shapes)
    anchors = generator.grid_anchors(SIZES, INPUT)
    torch.testing.assert_close(anchors, loop(shapes, SIZES, INPUT))


def test_ratios_keep_the_area():
    # Table 1: three 3x3 kernels whose anchors have aspect ratios 1, 1/2 and 2.
    generator = build(kernel_sizes=((3, 3),) * 3, ratios=(1.0, 0.5, 2.0))
    assert [h * w for h, w in generator.cells] == pytest.approx([9, 9, 9])
    assert [h / w for h, w in generator.cells] == pytest.approx([1, 0.5, 2])


def test_same_sizes_are_computed_once():
    generator = build()
    first = generator.grid_anchors(SIZES, INPUT)
    assert generator.grid_anchors([list(s) for s in SIZES], list(INPUT)) is first
    assert generator.grid_anchors(SIZES, (48, 40)) is not first
    double = generator.grid_anchors(SIZES, INPUT, dtype=torch.float64)
    assert double.dtype == torch.float64
    assert first.dtype == torch.float32


def test_few_sizes_are_kept():
    generator = build()
    for height in range(3 * kernel_anchor_generator.MAX_CACHED):
        generator.grid_anchors([(1, 1)], (height + 1, 8))
        assert len(generator._cache) <= kernel_anchor_generator.MAX_CACHED


def test_anchors_of_inference_serve_training():
    generator = build()
    with torch.inference_mode():
        generator.grid_anchors(SIZES, INPUT)
    anchors = generator.grid_anchors(SIZES, INPUT)
    factor = torch.ones(4, requires_grad=True)
    (anchors * factor).sum().backward()
    torch.testing.assert_close(factor.grad, anchors.sum(0))


def test_one_ratio_for_each_kernel():
    with pytest.raises(ValueError, match='2 numbers for 3 kernel_sizes'):
        build(ratios=(1.0, 2.0))
