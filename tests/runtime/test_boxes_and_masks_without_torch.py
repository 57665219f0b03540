"""Boxes and masks in numpy against the models' own in torch."""

import numpy as np
import pytest
import torch
from mmcv.ops import nms
from mmengine.structures import InstanceData

from mmvis.models.common.to_original_size import to_original_size
from mmvis.models.stmask.fast_nms import fast_nms, fast_nms_per_class
from mmvis.models.stmask.kernel_anchor_generator import KernelAnchorGenerator
from mmvis.models.stmask.mask_assembly import assemble_masks
from mmvis.models.stmask.yolact_bbox_coder import YolactBBoxCoder
from mmvis.runtime import boxes, masks
from mmvis.runtime.preparation import Geometry


def random_boxes(count, extent=40.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 80
    sides = torch.rand(count, 2, generator=generator) * extent
    return torch.cat([corner, corner + sides], 1)


@pytest.mark.parametrize('count', [0, 1, 200])
def test_suppression(count):
    given, scores = random_boxes(count), torch.rand(count, generator=seeded(1)) - 0.2
    found = boxes.greedy_nms(given.numpy(), scores.numpy(), 0.3)
    if count:
        assert found.tolist() == nms(given, scores, 0.3)[1].tolist()
    assert found.tolist() == sorted(found, key=lambda row: -scores[row])
    few = boxes.greedy_nms(given.numpy(), scores.numpy(), 0.3, 7)
    assert few.tolist() == found[:7].tolist()
    fast = boxes.fast_nms(given.numpy(), scores.numpy(), 0.3, 50)
    assert fast.tolist() == fast_nms(given, scores, 0.3, 50).tolist()


def test_suppression_per_class():
    given, scores = random_boxes(80), torch.rand(80, 3, generator=seeded(2))
    arguments = (0.4, 0.3, 30, 25)
    expected = fast_nms_per_class(given, scores, *arguments)
    found = boxes.fast_nms_per_class(given.numpy(), scores.numpy(), *arguments)
    for a, b in zip(found, expected, strict=True):
        assert a.tolist() == b.tolist()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize('means', [(0.0, 0.0, 0.0, 0.0), (0.4, -0.3, 0.2, -0.5)])
def test_decoding_and_anchors(means):
    generator = KernelAnchorGenerator(scales=(1.0, 1.3))
    sizes, shape = [(5, 7), (3, 4)], (96, 160)
    anchors = generator.grid_anchors(sizes, shape)
    found = boxes.grid_anchors(generator.cells, sizes, shape)
    assert np.array_equal(found, anchors.numpy())
    deltas = torch.randn(len(anchors), 4, generator=seeded(3)) * 4
    coder = YolactBBoxCoder(target_means=means)
    settings = dict(means=coder.means, stds=coder.stds, limit=abs(np.log(1e-6)))
    np.testing.assert_allclose(
        boxes.decode(found, deltas.numpy(), settings),
        coder.decode(anchors, deltas),
        rtol=1e-4,
        atol=1e-3,
    )


@pytest.mark.parametrize('activation', ['tanh', None])
def test_assembly(activation):
    given = random_boxes(6)
    given[0] = torch.tensor([30.0, 40.0, 10.0, 5.0])  # corners in the wrong order
    given[1] = torch.tensor([-50.0, -50.0, 500.0, 500.0])
    given[2] = torch.tensor([200.0, 200.0, 300.0, 300.0])  # outside
    given[3] = torch.nan
    prototypes = torch.randn(5, 24, 40, generator=seeded(4))
    coefficients = torch.randn(6, 5, generator=seeded(5)) * 3
    expected = assemble_masks(prototypes, coefficients, given, (96, 160), activation)
    arguments = (prototypes, coefficients, given)
    found = masks.assemble_masks(*(a.numpy() for a in arguments), (96, 160), activation)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ('content', 'original', 'threshold'),
    [
        ((96, 160), (96, 160), 0.5),
        ((90, 160), (180, 320), 0.3),
        ((91, 150), (123, 201), 0.5),
    ],
)
def test_to_the_frame(content, original, threshold):
    given = torch.rand(4, 24, 40, generator=seeded(6))
    tracked = InstanceData(bboxes=random_boxes(4, 120.0), masks=given)
    metainfo = dict(img_shape=content, ori_shape=original)
    expected = to_original_size(tracked, metainfo, (96, 160), threshold)
    sizes = Geometry(original, content, (96, 160))
    found = masks.to_frame(given.numpy(), sizes, threshold)
    # Where a soft mask is the threshold, the last digit decides.
    assert (found != expected.masks.numpy()).mean() < 1e-4
    np.testing.assert_allclose(
        masks.boxes_to_frame(tracked.bboxes.numpy(), sizes),
        expected.bboxes,
        atol=1e-4,
    )
