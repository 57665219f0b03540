"""RoI features of all levels at once, as on a GPU, beside mmdet's level by level."""

import copy

import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from pretended_device import DEVICE, here, pretended_device
from torch import nn

from mmvis.models.common.bfloat16 import guard_from_bfloat16
from mmvis.models.common.roi_levels import AllLevelsRoIExtractor, use_all_levels

STRIDES = [4, 8, 16, 32]


def extractor(kind=AllLevelsRoIExtractor, **settings):
    layer = dict(type='RoIAlign', output_size=(7, 6), sampling_ratio=2, **settings)
    return kind(layer, out_channels=6, featmap_strides=STRIDES).eval()


def maps(strides=STRIDES):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 6, 256 // s, 320 // s, generator=generator) for s in strides]


def rois(sides):
    """Of two frames, of these sides in pixels; two reach out of the frame."""
    generator = torch.Generator().manual_seed(1)
    frame = torch.arange(len(sides)) % 2
    corners = torch.rand(len(sides), 2, generator=generator) * 200 - 10
    ends = corners + torch.tensor(sides, dtype=torch.float)[:, None]
    return torch.cat([frame[:, None], corners, ends], dim=1)


# Level 0 takes sides below 112, level 1 those below 224, and so on.
@pytest.mark.parametrize('sides', [[9, 130, 500, 1e3, 60, 250], [130, 30], [900], []])
@pytest.mark.parametrize('factor', [None, 1.3])
@pytest.mark.parametrize(
    ('with_grad', 'settings'),
    [
        (True, {}),
        (False, {}),
        (False, dict(aligned=False)),
        (False, dict(pool_mode='max')),
    ],
)
def test_features_are_those_of_mmdets_extractor(
    sides, factor, with_grad, settings, monkeypatch
):
    wanted = extractor(SingleRoIExtractor, **settings)(maps(), rois(sides), factor)
    with pretended_device(monkeypatch), torch.set_grad_enabled(with_grad):
        away = [level.to(DEVICE) for level in maps()]
        made = extractor(**settings)
        found = here(made(away, rois(sides).to(DEVICE), factor))
    assert torch.equal(found, wanted)
    assert len(found) == len(sides)


@pytest.mark.parametrize('with_grad', [False, True])
def test_maps_may_lie_in_memory_as_they_like(with_grad):
    """mmcv's RoIAlign takes any memory for contiguous."""
    places = rois([9, 130, 500, 1e3])
    made = extractor()
    guard_from_bfloat16(made)
    with torch.set_grad_enabled(with_grad):
        wanted = made.sample_all_levels(maps(), places)
        for lie in (
            lambda level: level.to(memory_format=torch.channels_last),
            lambda level: torch.cat([level, level], dim=1)[:, 6:],
        ):
            found = made.sample_all_levels([lie(level) for level in maps()], places)
            assert torch.equal(found, wanted)


@pytest.mark.parametrize('sides', [[9, 130, 500, 1e3, 60, 250], [130, 30]])
def test_gradients_are_those_of_mmdets_extractor(sides):
    grads = []
    for kind in ('mmdet', 'all levels'):
        feats = [level.requires_grad_() for level in maps()]
        made = extractor().train()
        sample = made if kind == 'mmdet' else made.sample_all_levels
        found = sample(feats, rois(sides))
        (found * torch.arange(found.numel()).view_as(found)).sum().backward()
        grads.append([level.grad for level in feats])
    for wanted, found in zip(*grads, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-5)
    assert all(wanted.any() for wanted in grads[0]) == (len(sides) > 2)


def test_half_precision_has_a_place_outside_of_the_map():
    made, given = extractor(), []
    kept = made.roi_layers[0]

    class Layer(nn.Module):
        def forward(self, feats, places):
            given.append(places)
            return kept(feats.float(), places.float())

    made.roi_layers = nn.ModuleList(Layer() for _ in STRIDES)
    # All on the second level.
    found = made.sample_all_levels([level.half() for level in maps()], rois([130, 190]))
    assert found.any() and all(places.isfinite().all() for places in given)
    assert [place.dtype for place in given] == [torch.float16] * 4
    others = (place[:, 1:] for place in (given[0], *given[2:]))
    assert all((place / max(STRIDES) < -1).all() for place in others)


def test_levels_change_at_the_same_sides_as_mmdets(monkeypatch):
    """Where the side of a square changes by its last bits."""
    sides = []
    for least in (112.0, 224.0, 448.0):
        side = torch.tensor(least)
        for _ in range(30):
            side = torch.nextafter(side, torch.zeros(()))
        for _ in range(40):
            sides.append(side)
            side = torch.nextafter(side, torch.tensor(1e9))
    squares = torch.stack(sides)[:, None] * torch.tensor([0.0, 0, 0, 1, 1])
    wanted = extractor(SingleRoIExtractor).map_roi_levels(squares, 4)
    with pretended_device(monkeypatch):
        on_level = extractor()._on_levels(squares.to(DEVICE), 4)
    assert here(on_level).sum(0).eq(1).all()
    assert here(on_level).byte().argmax(0).tolist() == wanted.tolist()
    assert set(wanted.tolist()) == {0, 1, 2, 3}


def test_one_level(monkeypatch):
    layer = dict(type='RoIAlign', output_size=7, sampling_ratio=2)
    made = AllLevelsRoIExtractor(layer, out_channels=6, featmap_strides=[4]).eval()
    wanted = made(maps([4]), rois([9, 500]))
    with pretended_device(monkeypatch):
        found = here(made([maps([4])[0].to(DEVICE)], rois([9, 500]).to(DEVICE)))
    assert torch.equal(found, wanted) and wanted.any()


def test_every_plain_extractor_of_a_model_is_changed_and_no_other():
    class Own(SingleRoIExtractor):
        pass

    model = nn.ModuleList([extractor(SingleRoIExtractor), nn.ReLU(), extractor(Own)])
    model.append(copy.deepcopy(model))
    use_all_levels(model)
    kinds = [type(m) for m in model.modules() if isinstance(m, SingleRoIExtractor)]
    assert kinds == [AllLevelsRoIExtractor, Own] * 2
