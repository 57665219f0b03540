"""The head on all levels at once gives what it gives for each level."""

import pytest
import torch
from card_path import take_card_path
from host_work import HostWork
from mmengine.config import Config
from mmengine.registry import init_default_scope
from model_factory import CONFIGS

from mmvis.models.stmask.head import STMaskHead
from mmvis.models.stmask.joined_parameters import JoinedParameters
from mmvis.models.stmask.level_canvas import LevelCanvas
from mmvis.models.stmask.release.head import ReleasedSTMaskHead
from mmvis.registry import MODELS

LEVELS = [(9, 14), (5, 7), (3, 4), (1, 2), (1, 1)]
THREE = [(3, 3), (3, 5), (5, 3)]


def calibration(kind, offset='AdaptiveOffset', branches=('cls', 'coeff')):
    return dict(type=kind, offset=dict(type=offset), branches=branches)


PAPER, RELEASE = 'CalibratedConvolution', 'CalibratedFeatureConvolution'
CASES = {
    'plain': (None, THREE),
    'adaptive': (calibration(PAPER), THREE),
    'aligned': (calibration(PAPER, 'AlignedOffset', ['coeff', 'embed']), THREE),
    'release': (calibration(RELEASE), THREE),
    'even': (calibration(PAPER), [(3, 2), (2, 3), (4, 4)]),
    'even release': (calibration(RELEASE), [(3, 2), (2, 3)]),
    'apart': (calibration(PAPER), [(3, 3), (5, 5), (3, 3)]),
}


def make_head(case, cls=STMaskHead, **settings):
    torch.manual_seed(0)
    calibrated, kernels = CASES[case]
    head = cls(
        num_classes=3,
        in_channels=8,
        feat_channels=8,
        num_tower_convs=1,
        num_coefficients=4,
        embed_channels=6,
        anchor_generator=dict(
            type='KernelAnchorGenerator', kernel_sizes=kernels, scales=[1.0, 1.5]
        ),
        calibration=calibrated,
        **settings,
    )
    # Boxes that are regressed by whole cells, so that samples leave the map.
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head.double().eval()


def maps(sizes=LEVELS):
    torch.manual_seed(1)
    return [torch.randn(2, 8, *size, dtype=torch.double) for size in sizes]


@pytest.fixture
def on_card(monkeypatch):
    return lambda: take_card_path(monkeypatch)


@torch.no_grad()
@pytest.mark.parametrize('case', CASES)
def test_gives_what_each_level_gives(case, on_card):
    head = make_head(case)
    expected, shared_levels = head(maps())
    on_card()
    outputs, shared = head(maps(), postpone=True)
    torch.testing.assert_close(outputs, expected, atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(shared, shared_levels, atol=1e-12, rtol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize(
    'settings',
    [
        dict(cls=ReleasedSTMaskHead),
        dict(with_centerness=False),
        dict(norm_cfg=dict(type='BN')),
        # Its statistics are those of a level: levels stay apart.
        dict(norm_cfg=dict(type='GN', num_groups=2)),
    ],
)
@pytest.mark.parametrize('sizes', [LEVELS, LEVELS[:1], [(14, 5), (7, 3), (4, 2)]])
def test_other_heads_and_sizes(settings, sizes, on_card):
    head = make_head('adaptive', **settings)
    expected, _ = head(maps(sizes))
    on_card()
    torch.testing.assert_close(head(maps(sizes))[0], expected, atol=1e-12, rtol=1e-9)


@torch.no_grad()
def test_what_is_no_number_stays_on_its_level(on_card):
    head = make_head('adaptive')
    levels = maps()
    levels[1][0, 0, 2, 3] = torch.nan
    expected, _ = head(levels)
    on_card()
    outputs, _ = head(levels)
    close = dict(atol=1e-12, rtol=1e-9, equal_nan=True)
    assert expected.deltas.isnan().any() and not expected.deltas.isnan().all()
    torch.testing.assert_close(outputs, expected, **close)


@pytest.mark.parametrize('sizes', [LEVELS, [(2, 1)], [(45, 80), (23, 40), (12, 20)]])
def test_levels_come_back_from_the_canvas(sizes):
    canvas = LevelCanvas(sizes, 2, torch.device('cpu'))
    levels = maps(sizes)
    joined = canvas.join(levels)
    assert joined.shape == (2, 8, *canvas.shape)
    assert joined.abs().sum() == pytest.approx(sum(x.abs().sum() for x in levels))
    for level, cut in zip(levels, canvas.cut(joined), strict=True):
        assert torch.equal(level, cut)
    flat = torch.cat([level.flatten(2) for level in levels], dim=2)
    assert torch.equal(joined.flatten(2)[..., canvas.cells], flat)


@torch.no_grad()
def test_weights_that_change_are_joined_again():
    parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    join = JoinedParameters()
    first = join(parameters)
    assert join(parameters) is first
    parameters[1].mul_(3)
    assert join(parameters).tolist() == [1, 1, 3, 3]
    parameters[0].data = torch.zeros(2)
    assert join(parameters).tolist() == [0, 0, 3, 3]
    with torch.enable_grad():
        join(parameters).sum().backward()
    assert parameters[0].grad.tolist() == [1, 1]


@torch.no_grad()
def test_weights_that_were_swapped_between_tests(on_card):
    on_card()
    head = make_head('adaptive')
    before = head(maps())[0].logits
    head.train()
    for parameter in head.parameters():
        # As the hook of averaged weights does: no version tells.
        parameter.data.mul_(0.5)
    head.eval()
    assert not torch.allclose(head(maps())[0].logits, before)


@torch.no_grad()
def test_r50_launches_at_most_500_kernels(on_card):
    on_card()
    cfg = Config.fromfile(str(CONFIGS / 'stmask_r50.py')).model
    # Counts depend on layers, not on their channels.
    narrow = dict(in_channels=8, feat_channels=8)
    cfg.backbone.update(init_cfg=None, base_channels=4)
    cfg.neck.update(in_channels=[16, 32, 64, 128], out_channels=8)
    cfg.prototype_net.update(narrow)
    cfg.bbox_head.update(narrow)
    cfg.temporal_net.update(feat_channels=8)
    init_default_scope('mmvis')
    net = MODELS.build(cfg).eval()
    frames = torch.randn(1, 3, 64, 96)
    net.extract_test_feat(frames)
    with HostWork() as work:
        net.extract_test_feat(frames)
    assert not work.waits
    # mmcv's operators unfold their samples by a kernel of their own, unseen here.
    deformable = work.launches['addmm_']
    assert work.launches.total() + deformable <= 500
