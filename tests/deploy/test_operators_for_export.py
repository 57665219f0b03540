"""What stands for an operator while a network is exported computes the same."""

import pytest
import torch
from mmcv.ops import RoIAlign
from torch import nn

from mmvis.deploy.networks import PartNetwork
from mmvis.deploy.operators import exportable_operators
from mmvis.deploy.plain_operators import sampled_convolution, shifted_correlation
from mmvis.deploy.writing import write_onnx
from mmvis.models.stmask import calibrated_convolution, deformable_resnet
from mmvis.models.stmask.calibrated_convolution import SameDeformConv2d
from mmvis.models.stmask.correlation import local_correlation
from mmvis.models.stmask.deformable_resnet import SafeModulatedDeformConv2d
from mmvis.models.stmask.deformable_sampling import deformable_convolution


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ('kernel', 'stride', 'padding', 'dilation', 'places'),
    [
        ((3, 3), (1, 1), (1, 1), (1, 1), (6, 7)),
        ((3, 5), (1, 1), (1, 2), (1, 1), (6, 7)),
        ((3, 3), (2, 2), (1, 1), (1, 1), (3, 4)),
        ((2, 3), (1, 1), (0, 2), (1, 2), (5, 7)),
    ],
)
def test_samples_of_grid_sample(kernel, stride, padding, dilation, places):
    taps = kernel[0] * kernel[1]
    features, weight = randn(2, 4, 6, 7), randn(5, 4, *kernel, seed=1)
    # Some land more than a cell outside.
    offsets = randn(2, 2 * taps, *places, seed=2) * 4
    parts = randn(5, seed=3), randn(2, taps, *places, seed=4).sigmoid()
    sampling = (stride, padding, dilation)
    expected = deformable_convolution(features, offsets, weight, *parts, *sampling)
    found = sampled_convolution(features, offsets, weight, *parts, *sampling)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('deformable_by', ['DeformConv', 'GridSample'])
@pytest.mark.parametrize('outputs', [2, 5])
def test_products_may_come_before_samples(deformable_by, outputs):
    layer = SameDeformConv2d(4, outputs, (2, 3)).double()
    features, offsets = randn(2, 4, 6, 7), randn(2, 12, 6, 7, seed=1) * 4
    with torch.no_grad():
        expected = layer(features, offsets)
        with exportable_operators(deformable_by):
            found = layer(features, offsets)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(('size', 'patch'), [((5, 6), 3), ((9, 4), 11)])
def test_shifts_of_a_map(size, patch):
    first, second = randn(2, 3, *size), randn(2, 3, *size, seed=1)
    expected = local_correlation(first, second, patch)
    torch.testing.assert_close(shifted_correlation(first, second, patch), expected)


def test_models_have_their_operators_back():
    with pytest.raises(ZeroDivisionError), exportable_operators():
        raise ZeroDivisionError
    for module in (calibrated_convolution, deformable_resnet):
        assert module.deformable_convolution is deformable_convolution


class Layers(nn.Module):
    """A convolution of each kind, of an even kernel too, and RoIAlign."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.modulated = SafeModulatedDeformConv2d(3, 8, 3, stride=2, padding=1)
            nn.init.normal_(self.modulated.conv_offset.weight)
            self.offset = nn.Conv2d(8, 2 * 12, 1)
            self.calibrated = SameDeformConv2d(8, 4, (4, 3))
        self.pool = RoIAlign(5, spatial_scale=0.5, sampling_ratio=0)

    def forward(self, image, boxes):
        feats = self.modulated(image)
        feats = self.calibrated(feats, self.offset(feats) * 3)
        rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], 1)
        return feats, self.pool(feats, rois)


@pytest.mark.parametrize('deformable', ['DeformConv', 'GridSample'])
def test_onnx_has_the_same(tmp_path, deformable):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxscript')
    onnxruntime = pytest.importorskip('onnxruntime')
    layers = Layers().eval()
    image = torch.randn(1, 3, 22, 30, generator=seeded(1))
    boxes = torch.tensor([[0.0, 1, 9, 20], [3.3, 2.2, 28.4, 9.1], [5.0, 5, 5, 5]])
    part = PartNetwork(
        'frame',
        layers,
        dict(image=image, boxes=boxes),
        ['feats', 'pooled'],
        free={'boxes': {0: 'boxes'}},
    )
    path = tmp_path / 'layers.onnx'
    write_onnx(part, path, {'key': 'value'}, deformable_by=deformable)
    session = onnxruntime.InferenceSession(str(path))
    assert session.get_modelmeta().custom_metadata_map['key'] == 'value'
    for count in (1, 3):
        given = dict(image=image.numpy(), boxes=boxes[:count].numpy())
        found = session.run(None, given)
        with torch.no_grad():
            expected = layers(image, boxes[:count])
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(torch.from_numpy(a), b, atol=1e-4, rtol=1e-4)
