"""Aligned offsets against bins of decoded boxes, the paper's equations, RoIAlign."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.ops import roi_align
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from sampling_reference import draw, points

from mmvis.models.stmask.calibrated_convolution import SameDeformConv2d
from mmvis.models.stmask.calibration_offsets import AlignedOffset, aligned_offsets
from mmvis.models.stmask.kernel_anchor_generator import KernelAnchorGenerator

FIXTURES = Path(__file__).parents[2] / 'fixtures/stmask'
STDS = (0.1, 0.1, 0.2, 0.2)
# Kernel and anchor in cells: footprints, FCB without FCA, several scales, even kernels.
SHAPES = [
    ((3, 3), (3, 3)),
    ((3, 5), (3, 5)),
    ((5, 3), (5, 3)),
    ((3, 3), (3 * 0.5**0.5, 3 / 0.5**0.5)),
    ((3, 3), (3 * 2**0.5, 3 / 2**0.5)),
    ((3, 5), (3 * 2 ** (1 / 3), 5 * 2 ** (1 / 3))),
    ((3, 2), (3, 2)),
    ((2, 3), (2, 3)),
    ((4, 2), (3, 5)),
]


def real_feature_map():
    """Six channels of P4 of a network's first frame, (1, 6, 12, 20)."""
    with np.load(FIXTURES / 'raw_r50_ada_frame0.npz') as file:
        return torch.from_numpy(file['fpn_P4_ch_step16'][None, :6]).double()


def bin_centres(boxes, kernel):
    """Centres of the kernel's bins of boxes (H, W, 4) in cells, as :func:`points`."""
    kh, kw = kernel
    x1, y1, x2, y2 = boxes.double().unbind(-1)
    down = ((torch.arange(kh).double() + 0.5) / kh)[:, None, None, None]
    right = ((torch.arange(kw).double() + 0.5) / kw)[None, :, None, None]
    # The centre of cell 0 is half a cell from the border of the map.
    y = y1 + (y2 - y1) * down - 0.5
    x = x1 + (x2 - x1) * right - 0.5
    return torch.stack(torch.broadcast_tensors(y, x), -1)


def regressed_boxes(deltas, kernel, cells, size):
    """mmdet's decoding of raw regressions (1, 4, H, W) in cells: (H, W, 4)."""
    ratio = (cells[0] / cells[1],)
    generator = KernelAnchorGenerator([kernel], ratio, base_cells=np.prod(cells) ** 0.5)
    anchors = generator.grid_anchors([size], size, dtype=torch.float64)
    coder = DeltaXYWHBBoxCoder(target_stds=STDS, wh_ratio_clip=1e-6)
    flat = deltas[0].double().permute(1, 2, 0).reshape(-1, 4)
    return coder.decode(anchors, flat).view(*size, 4)


@pytest.mark.parametrize('kernel, cells', SHAPES)
@pytest.mark.parametrize(
    'dtype, tolerance', [(torch.float64, 1e-9), (torch.float32, 1e-4 / 8)]
)
def test_aligned_taps_are_bin_centres_of_the_box(kernel, cells, dtype, tolerance):
    # In float32: 1e-4 pixels of P3, the level with the most cells.
    size = (48, 80)
    deltas = draw(1, 4, *size, scale=2.0, dtype=dtype)
    layer = AlignedOffset(kernel, cells, STDS)
    if dtype == torch.float64:
        # The layer's own factors are float32: too coarse for this.
        exact = deltas * torch.tensor(STDS, dtype=dtype).view(1, 4, 1, 1)
        offsets = aligned_offsets(exact, kernel, cells)
    else:
        offsets = layer(deltas)
    assert offsets.dtype == dtype
    expected = bin_centres(regressed_boxes(deltas, kernel, cells, size), kernel)
    torch.testing.assert_close(
        points(offsets, kernel), expected, atol=tolerance, rtol=0
    )


@pytest.mark.parametrize('kernel', [(3, 3), (3, 5), (5, 3)])
def test_aligned_offsets_are_those_of_the_paper(kernel):
    # Eqs. 6-8, tap by tap.
    d = draw(2, 4, 3, 4)
    kh, kw = kernel
    expected = []
    for r in range(-(kh // 2), kh // 2 + 1):
        for c in range(-(kw // 2), kw // 2 + 1):
            expected.append(kh * d[:, 1] + (d[:, 3].exp() - 1) * r)
            expected.append(kw * d[:, 0] + (d[:, 2].exp() - 1) * c)
    offsets = aligned_offsets(d, kernel, kernel)
    torch.testing.assert_close(offsets, torch.stack(expected, 1), atol=1e-12, rtol=0)


@pytest.mark.parametrize('kernel, cells', SHAPES)
def test_aligned_features_are_roi_align_of_one_sample_a_bin(kernel, cells):
    features = real_feature_map()
    channels, size = features.shape[1], tuple(features.shape[-2:])
    deltas = draw(1, 4, *size, scale=1.5)
    boxes = regressed_boxes(deltas, kernel, cells, size).view(-1, 4)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
    expected = roi_align(features, rois, kernel, 1.0, 1, 'avg', True)

    # One output channel for each channel and tap.
    layer = SameDeformConv2d(channels, channels * kernel[0] * kernel[1], kernel)
    one_hot = torch.eye(layer.out_channels, dtype=torch.float64)
    layer.double().weight.data = one_hot.view(-1, channels, *kernel)
    exact = deltas * torch.tensor(STDS).double().view(1, 4, 1, 1)
    offsets = aligned_offsets(exact, kernel, cells)
    sampled = layer(features, offsets)[0].flatten(1).T.view(-1, channels, *kernel)

    # At the border RoIAlign repeats the outermost cells, where a convolution has zeros.
    last = torch.tensor(size).double() - 1
    where = points(offsets, kernel)
    inside = ((where >= 0) & (where <= last)).all(-1).flatten(2).permute(2, 0, 1)
    assert inside.double().mean() > 0.5
    inside = inside[:, None].expand_as(expected)
    torch.testing.assert_close(sampled[inside], expected[inside])
