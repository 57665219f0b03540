"""Eqs. 1 and 2 against loops, the switches of Table V, and batches without objects."""

import numpy as np
import pytest
import torch
from instance_flow_pairs import SHAPE, frame, instances, random_frames
from mmengine.registry import DefaultScope
from model_factory import tiny_config

from mmvis.models.instance_flow.criterion import InstanceFlowMaps
from mmvis.models.instance_flow.targets import InstanceFlowTargets
from mmvis.registry import MODELS

CLASSES, STRIDE, SMALL, UNIT = 5, 4, 150, 12.0


def build(**kwargs):
    cfg = dict(
        type='InstanceFlowCriterion',
        loss_semantic=dict(type='mmdet.CrossEntropyLoss'),
        loss_center=dict(type='mmdet.MSELoss', loss_weight=100.0),
        loss_intra=dict(type='mmdet.L1Loss', loss_weight=0.01),
        loss_inter=dict(type='mmdet.L1Loss', loss_weight=0.01),
        loss_shape=dict(type='mmdet.MSELoss', loss_weight=0.01),
        shape_unit=UNIT,
        sigma=5.0,
        small_area=SMALL,
    )
    with DefaultScope.overwrite_default_scope('mmvis'):
        return MODELS.build(cfg | kwargs)


def make_targets(frames):
    return InstanceFlowTargets.make(frames, SHAPE, STRIDE, torch.device('cpu'))


def make_maps(batch, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    size = (SHAPE[0] // STRIDE, SHAPE[1] // STRIDE)
    return InstanceFlowMaps(
        *(
            torch.randn(batch, depth, *size, generator=generator)
            .to(dtype)
            .requires_grad_()
            for depth in (CLASSES + 1, 1, 2, 2)
        )
    )


def loops(maps, targets, background=()):
    """Every loss as a mean over a list of pixels."""
    semantic, heatmap, intra, inter = (m.detach().double().numpy() for m in maps)
    owner, counted = targets.owner.numpy(), targets.counted.numpy()
    classes = targets.semantic(CLASSES).numpy()
    heat = targets.heatmap(5.0).numpy()
    to_center = targets.offsets(targets.centers).numpy()
    to_reference = targets.offsets(targets.reference_centers).numpy()
    terms = {name: [] for name in ('semantic', 'center', 'intra', 'inter', 'shape')}
    for b, r, c in zip(*np.nonzero(counted), strict=True):
        at = (b, slice(None), r, c)
        logits = semantic[at]
        terms['semantic'].append(
            np.log(np.exp(logits).sum()) - logits[classes[b, r, c]]
        )
        k = owner[b, r, c]
        if k < 0:
            zero = dict(
                center=heatmap[b, 0, r, c] ** 2,
                intra=abs(intra[at]).sum(),
                inter=abs(inter[at]).sum(),
            )
            for name in background:
                terms[name].append(zero[name])
            continue
        factor = 3.0 if targets.areas[k] < SMALL else 1.0
        terms['center'].append(factor * (heatmap[b, 0, r, c] - heat[b, r, c]) ** 2)
        terms['intra'].append(factor * abs(intra[at] - to_center[at]).sum())
        if targets.in_reference[k]:
            terms['inter'].append(factor * abs(inter[at] - to_reference[at]).sum())
            residual = (to_reference[at] - to_center[at]) - (inter[at] - intra[at])
            terms['shape'].append(((residual / UNIT) ** 2).sum())
    weights = dict(semantic=1, center=100, intra=0.01, inter=0.01, shape=0.01)
    return {
        f'loss_{name}': weights[name] * (np.mean(values) if values else 0.0)
        for name, values in terms.items()
    }


BACKGROUND = [(), ('center',), ('intra', 'inter'), ('center', 'intra', 'inter')]


@pytest.mark.parametrize('background', BACKGROUND)
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_against_loops(background, seed):
    frames = random_frames(seed)
    ignored = np.zeros((1, *SHAPE))
    ignored[0, :10, 10:30] = 1
    frames[0].ignored_instances = instances(ignored, [9])
    frames[2].set_metainfo(dict(img_shape=(SHAPE[0] - 9, SHAPE[1])))
    targets, maps = make_targets(frames), make_maps(len(frames), seed)
    losses = build(background=background)(maps, targets)
    expected = loops(maps, targets, background)
    assert losses.keys() == expected.keys()
    for name, value in losses.items():
        assert value.item() == pytest.approx(expected[name], rel=1e-4), name


def test_small_and_large_objects_and_pairs_occur():
    targets = make_targets(random_frames(1))
    assert (targets.areas < SMALL).any() and (targets.areas >= SMALL).any()
    assert targets.in_reference.any() and not targets.in_reference.all()


def test_perfect_maps_have_no_loss():
    targets = make_targets(random_frames(1))
    one_hot = torch.nn.functional.one_hot(targets.semantic(CLASSES), CLASSES + 1)
    maps = InstanceFlowMaps(
        one_hot.movedim(3, 1) * 50.0,
        targets.heatmap(5.0)[:, None],
        targets.offsets(targets.centers),
        targets.offsets(targets.reference_centers),
    )
    losses = build()(maps, targets)
    assert max(value.item() for value in losses.values()) < 1e-6


def test_the_shape_loss_lets_both_offsets_err_alike():
    targets = make_targets(random_frames(1))
    intra, inter = (
        targets.offsets(centers) + 7.0
        for centers in (targets.centers, targets.reference_centers)
    )
    maps = make_maps(4)._replace(intra=intra, inter=inter)
    losses = build()(maps, targets)
    assert losses['loss_shape'].item() < 1e-6
    assert losses['loss_intra'].item() > 0.1


def test_nothing_counts_outside():
    """Whatever is predicted of padding, ignored objects and, but for classes, bg."""
    frames = random_frames(1)
    for sample in frames:
        sample.set_metainfo(dict(img_shape=(20, 30)))
    targets, maps = make_targets(frames), make_maps(4)
    total = sum(build()(maps, targets).values())
    total.backward()
    for name, tensor in maps._asdict().items():
        seen = targets.counted if name == 'semantic' else targets.foreground
        gradient = tensor.grad.abs().sum(1)
        assert not gradient[~seen].any(), name
        assert gradient[seen].any(), name


def test_nothing_to_learn_is_a_connected_zero():
    everything = instances(np.ones((1, *SHAPE)), [9])
    for frames in (
        [frame([], []), frame([], [])],
        [frame([], [], everything), frame([], [], everything)],
    ):
        maps = make_maps(2)
        losses = build()(maps, make_targets(frames))
        sum(losses.values()).backward()
        for tensor in maps:
            assert tensor.grad.isfinite().all()
        assert all(v.item() == 0 for k, v in losses.items() if 'semantic' not in k)
    assert losses['loss_semantic'].item() == 0


def test_without_an_inter_frame_branch_or_shape_loss():
    targets, maps = make_targets(random_frames(1)), make_maps(4)
    alone = build()(maps._replace(inter=None), targets)
    assert alone.keys() == {'loss_semantic', 'loss_center', 'loss_intra'}
    assert 'loss_shape' not in build(loss_shape=None)(maps, targets)


def test_half_precision_maps_give_single_precision_losses():
    targets = make_targets(random_frames(1))
    half = make_maps(4, dtype=torch.float16)
    exact = build()(InstanceFlowMaps(*(m.double() for m in half)), targets)
    for name, value in build()(half, targets).items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(
            value.double(), exact[name].double(), rtol=1e-4, atol=0
        )


def test_unknown_background():
    with pytest.raises(ValueError, match=r"\['offset'\].*center, intra, inter"):
        build(background=('offset',))


@pytest.mark.parametrize('unit', [0, -16.0])
def test_a_unit_without_a_size_is_refused(unit):
    with pytest.raises(ValueError, match=f'shape_unit must be positive, but is {unit}'):
        build(shape_unit=unit)


# Of the page on InstanceFlow, with height and width of inputs, an object's side, and
# the largest share that any loss of offsets has of all losses: as training begins,
# where an object of right offsets has moved by 100 px, and where all are wrong.
CONFIGS = {
    'instance_flow_r50.py': (640, 640, 200, (0.17, 0.18, 0.32)),
    'tiny/instance_flow_tiny_synthvis.py': (192, 320, 64, (0.33, 0.54, 0.44)),
}


def config_criterion(name):
    cfg = tiny_config(name).model
    with DefaultScope.overwrite_default_scope('mmvis'):
        return MODELS.build(cfg.criterion), cfg.semantic_head.num_classes


def moved_square(height, width, side, moved):
    """A square in a corner of both frames, that was ``moved`` px to the right of it."""
    owner = torch.full((2, height // STRIDE, width // STRIDE), -1)
    for frame_number in range(2):
        owner[frame_number, : side // STRIDE, : side // STRIDE] = frame_number
    centers = torch.full((2, 2), side / 2)
    return InstanceFlowTargets(
        owner=owner,
        counted=torch.ones_like(owner, dtype=torch.bool),
        labels=torch.zeros(2, dtype=torch.long),
        areas=torch.full((2,), side**2),
        centers=centers,
        reference_centers=centers + torch.tensor([moved, 0.0]),
        in_reference=torch.ones(2, dtype=torch.bool),
        counts=[1, 1],
        stride=STRIDE,
    )


def untrained_maps(targets, num_classes, offsets):
    """All classes alike, no centre; inter-frame offsets copy the intra-frame ones."""
    batch, height, width = targets.owner.shape
    return InstanceFlowMaps(
        torch.zeros(batch, num_classes + 1, height, width),
        torch.zeros(batch, 1, height, width),
        offsets,
        offsets,
    )


@pytest.mark.parametrize('name', CONFIGS)
def test_no_offset_loss_drowns_the_others(name):
    """In single pixels the shape loss is nine tenths of all and more."""
    criterion, num_classes = config_criterion(name)
    *sizes, limits = CONFIGS[name]
    resting, moved = moved_square(*sizes, 0.0), moved_square(*sizes, 100.0)
    right = moved.offsets(moved.centers)
    cases = [
        (resting, torch.zeros_like(right)),
        (moved, right),
        (moved, right - 100.0),
    ]

    def largest_share(targets, offsets):
        losses = criterion(untrained_maps(targets, num_classes, offsets), targets)
        of_offsets = [losses[f'loss_{k}'] for k in ('intra', 'inter', 'shape')]
        return (max(of_offsets) / sum(losses.values())).item()

    for case, limit in zip(cases, limits, strict=True):
        assert limit - 0.02 < largest_share(*case) < limit + 0.005
    criterion.shape_unit = 1.0
    assert all(largest_share(*case) > 0.9 for case in cases[1:])


@pytest.mark.parametrize(
    ('name', 'residual'), list(zip(CONFIGS, (128, 32), strict=True))
)
def test_how_far_the_shape_loss_pulls_less_than_an_offsets_own(name, residual):
    """Up to half of the square of its unit, along an axis."""
    criterion, num_classes = config_criterion(name)
    *sizes, _ = CONFIGS[name]
    for moved in (residual - 1, residual + 1):
        targets = moved_square(*sizes, moved)
        wrong = (targets.offsets(targets.centers) - 5.0).requires_grad_()
        maps = untrained_maps(targets, num_classes, wrong.detach())
        losses = criterion(maps._replace(intra=wrong), targets)
        own, shape = (
            torch.autograd.grad(losses[f'loss_{k}'], wrong, retain_graph=True)[0]
            for k in ('intra', 'shape')
        )
        assert (shape.abs().max() < own.abs().max()) == (moved < residual)
