"""Weights of the released STMask and of Yolact++ under the names of this package.

Which network a file holds is read off its names and shapes. From that follows the whole
list of its names, and with it what is missing and what is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mmdet.models.backbones import ResNet
from torch import Tensor

from mmvis.engine.checkpoint import CheckpointError

HEAD = 'prediction_layers.0'
CONV = ('weight', 'bias')
WEIGHT = ('weight',)
NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
BRANCHES = {'bbox': 'reg', 'conf': 'cls', 'mask': 'coeff', 'track': 'embed'}
NUM_KERNELS = 3

# What Yolact++ has and STMask has no place for: other anchors, other classes, layers
# of its training and of its mask scores.
YOLACT_ONLY = (
    r'semantic_seg_conv\.',
    r'maskiou_net\.',
    rf'{re.escape(HEAD)}\.(bbox|conf|mask)_layer\.(weight|bias)$',
)
# Copies that old versions of Yolact wrote; its own loader skips them too.
STALE = (r'backbone\.layer\d', r'fpn\.downsample_layers\.(?![01]\.)')

# Official module, module here, its tensors.
Module = tuple[str, str, tuple[str, ...]]

PYRAMID: tuple[Module, ...] = (
    ('fpn.lat_layers.0', 'neck.lateral_convs.2.conv', CONV),
    ('fpn.lat_layers.1', 'neck.lateral_convs.1.conv', CONV),
    ('fpn.lat_layers.2', 'neck.lateral_convs.0.conv', CONV),
    ('fpn.pred_layers.0', 'neck.fpn_convs.2.conv', CONV),
    ('fpn.pred_layers.1', 'neck.fpn_convs.1.conv', CONV),
    ('fpn.pred_layers.2', 'neck.fpn_convs.0.conv', CONV),
    ('fpn.downsample_layers.0', 'neck.fpn_convs.3.conv', CONV),
    ('fpn.downsample_layers.1', 'neck.fpn_convs.4.conv', CONV),
)
PROTOTYPES: tuple[Module, ...] = (
    ('proto_net.0', 'prototype_net.convs.0.conv', CONV),
    ('proto_net.2', 'prototype_net.convs.1.conv', CONV),
    ('proto_net.4', 'prototype_net.convs.2.conv', CONV),
    ('proto_net.8', 'prototype_net.upsampled_conv.conv', CONV),
    ('proto_net.10', 'prototype_net.project', CONV),
)
SHARED: Module = (f'{HEAD}.upfeature.0', 'bbox_head.shared_conv.conv', CONV)
TEMPORAL: tuple[Module, ...] = (
    ('TemporalNet.conv1', 'temporal_net.convs.0.conv', CONV),
    ('TemporalNet.conv2', 'temporal_net.convs.1.conv', CONV),
    ('TemporalNet.conv3', 'temporal_net.convs.2.conv', CONV),
    ('TemporalNet.fc', 'temporal_net.fc_reg', CONV),
    ('TemporalNet.fc_coeff', 'temporal_net.fc_coeff', CONV),
)


@dataclass(frozen=True)
class ReleasedNetwork:
    """What a file says of its network.

    Attributes:
        family (str): 'STMask' or 'Yolact++'.
        depth (int): Of the ResNet.
        dcn_blocks (tuple[tuple[int, ...], ...]): Deformable blocks of each stage.
        offset (str | None): Offsets of the calibrated class branch, 'AdaptiveOffset' or
            'AlignedOffset', or None where it is a plain convolution.
        num_classes (int): Classes of objects.
        left_out (tuple[str, ...]): Official names that have no place here.
    """

    family: str
    depth: int
    dcn_blocks: tuple[tuple[int, ...], ...]
    offset: str | None
    num_classes: int
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        deformable = sum(len(blocks) for blocks in self.dcn_blocks)
        parts = [
            self.family,
            f'ResNet-{self.depth}',
            f'{deformable} deformable blocks',
            f'{self.num_classes} classes',
        ]
        if self.family == 'STMask':
            parts.insert(3, f'class branch {self.offset or "without calibration"}')
        return ', '.join(parts)

    @property
    def dcn_interval(self) -> int | None:
        """The interval that gives ``dcn_blocks``; 0: none does, None: no blocks."""
        if not any(self.dcn_blocks):
            return None
        counts = ResNet.arch_settings[self.depth][1]
        for interval in range(1, max(counts) + 1):
            blocks = tuple(tuple(range(0, count, interval)) for count in counts[1:])
            if self.dcn_blocks == ((), *blocks):
                return interval
        return 0

    @property
    def config(self) -> str:
        """The config in configs/ of such a network."""
        suffix = {None: '', 'AdaptiveOffset': '_ada', 'AlignedOffset': '_ali'}
        size = {50: 'r50', 101: 'r101'}.get(self.depth, 'r101')
        return f'stmask_official/stmask_official_{size}{suffix[self.offset]}.py'

    @property
    def config_options(self) -> dict[str, object]:
        """Keys in which the network is not that config's, and their values."""
        options: dict[str, object] = {}
        if self.depth not in (50, 101):
            options['model.backbone.depth'] = self.depth
        interval = self.dcn_interval
        if interval == 0:
            options['model.backbone.dcn_interval'] = None
            options['model.backbone.dcn_blocks'] = [list(b) for b in self.dcn_blocks]
        elif interval != (2 if self.depth == 50 else 3):
            options['model.backbone.dcn_interval'] = interval
        if self.family == 'STMask' and self.num_classes != 40:
            options['model.bbox_head.num_classes'] = self.num_classes
        return options


def convert_state_dict(
    official: Mapping[str, Tensor], source: str = 'The checkpoint'
) -> tuple[dict[str, Tensor], ReleasedNetwork]:
    """Rename the weights of a released network.

    The background is the first of the released class logits and the last here. Weights
    of Yolact++ start an STMask: backbone, pyramid, prototypes and the head's first
    convolution, as in the released training.

    Args:
        official (Mapping[str, Tensor]): A released state dict.
        source (str): What a message calls it.

    Returns:
        tuple: The state dict of ``STMask`` and what was read off the official one.

    Raises:
        CheckpointError: A name is missing, or one is not known.
    """
    network = describe(official, source)
    names = tensor_names(network)
    # Old files lack the counters of batch norm.
    missing = [
        name
        for name in names
        if name not in official and not name.endswith('.num_batches_tracked')
    ]
    unknown = sorted(set(official) - set(names) - set(network.left_out))
    if missing or unknown:
        faults = [
            f'{what} {_first(found)} ({len(found)} in all)'
            for what, found in (('lacks', missing), ('has the unknown', unknown))
            if found
        ]
        raise CheckpointError(
            f'{source} looks like {network}, but {" and ".join(faults)}.'
        )
    state = {}
    for name in filter(official.__contains__, names):
        tensor, own_name = official[name], names[name]
        if re.match(r'bbox_head\.cls_preds\.\d+\.conv\.', own_name):
            tensor = tensor.roll(-1, dims=0)
        state[own_name] = tensor
    return state, network


def describe(official: Mapping[str, Tensor], source: str) -> ReleasedNetwork:
    """Read off names and shapes what network it is."""
    blocks = _numbers(r'backbone\.layers\.(\d)\.(\d+)\.', official)
    if not blocks:
        raise CheckpointError(
            f'{source} is not a state dict of the released STMask or of Yolact++, '
            f'whose names begin with backbone.layers.: it has {_first(official)}.'
        )
    depth = _depth(blocks, source)
    offset_of = r'backbone\.layers\.(\d)\.(\d+)\.conv2\.conv_offset_mask\.'
    deformable = _numbers(offset_of, official)
    network = ReleasedNetwork(
        family='STMask' if _named(r'TemporalNet\.', official) else 'Yolact++',
        depth=depth,
        dcn_blocks=tuple(
            tuple(block for at, block in deformable if at == stage)
            for stage in range(4)
        ),
        offset=None,
        num_classes=0,
        left_out=tuple(_named('|'.join(STALE), official)),
    )
    if network.family == 'Yolact++':
        left_out = _named('|'.join(YOLACT_ONLY), official)
        # Logits of all anchors of a place, and four regressions for each.
        rows = _rows(official, rf'{HEAD}\.conf_layer\.bias')
        anchors = _rows(official, rf'{HEAD}\.bbox_layer\.bias') // 4
        return replace(
            network,
            num_classes=max(rows // max(anchors, 1) - 1, 0),
            left_out=(*network.left_out, *left_out),
        )
    offset = None
    if _named(rf'{HEAD}\.conf_layer\.\d\.conv_adaption\.', official):
        offset = 'AlignedOffset'
    if _named(rf'{HEAD}\.conf_layer\.\d\.conv_offset\.', official):
        offset = 'AdaptiveOffset'
    rows = _rows(official, rf'{HEAD}\.conf_layer\.\d\.(conv\.)?bias')
    return replace(network, offset=offset, num_classes=max(rows - 1, 0))


def tensor_names(network: ReleasedNetwork) -> dict[str, str]:
    """Official name -> name here, of all tensors that are converted."""
    modules = [*_backbone(network), *PYRAMID, *PROTOTYPES, SHARED]
    if network.family == 'STMask':
        modules += [*_head(network), *TEMPORAL]
    return {
        f'{official}.{tensor}': f'{own}.{tensor}'
        for official, own, tensors in modules
        for tensor in tensors
    }


def _backbone(network: ReleasedNetwork) -> Iterator[Module]:
    yield 'backbone.conv1', 'backbone.conv1', WEIGHT
    yield 'backbone.bn1', 'backbone.bn1', NORM
    for stage, count in enumerate(ResNet.arch_settings[network.depth][1]):
        for block in range(count):
            official = f'backbone.layers.{stage}.{block}'
            own = f'backbone.layer{stage + 1}.{block}'
            deformable = block in network.dcn_blocks[stage]
            for number in (1, 2, 3):
                tensors = CONV if deformable and number == 2 else WEIGHT
                yield f'{official}.conv{number}', f'{own}.conv{number}', tensors
                yield f'{official}.bn{number}', f'{own}.bn{number}', NORM
            if deformable:
                offset = 'conv2.conv_offset'
                yield f'{official}.{offset}_mask', f'{own}.{offset}', CONV
            if block == 0:
                yield f'{official}.downsample.0', f'{own}.downsample.0', WEIGHT
                yield f'{official}.downsample.1', f'{own}.downsample.1', NORM


def _head(network: ReleasedNetwork) -> Iterator[Module]:
    for official, own in BRANCHES.items():
        for number in (0, 1):
            tower = f'bbox_head.{own}_tower.{number}.conv'
            yield f'{HEAD}.{official}_extra.{2 * number}', tower, CONV
    layers = {**BRANCHES, 'centerness': 'centerness'}
    for official, own in layers.items():
        for kernel in range(NUM_KERNELS):
            layer = f'{HEAD}.{official}_layer.{kernel}'
            own_layer = f'bbox_head.{own}_preds.{kernel}'
            if official != 'conf' or network.offset is None:
                yield layer, f'{own_layer}.conv', CONV
                continue
            yield f'{layer}.conv', f'{own_layer}.conv', CONV
            yield f'{layer}.conv_adaption', f'{own_layer}.adaption', WEIGHT
            if network.offset == 'AdaptiveOffset':
                yield f'{layer}.conv_offset', f'{own_layer}.offset.conv', WEIGHT


def _depth(blocks: list[tuple[int, ...]], source: str) -> int:
    """The smallest ResNet that has all these (stage, block)."""
    for depth in (50, 101, 152):
        counts = ResNet.arch_settings[depth][1]
        if all(stage < 4 and block < counts[stage] for stage, block in blocks):
            return depth
    raise CheckpointError(
        f'{source} has a backbone that is no ResNet-50, 101 or 152: its last block is '
        f'backbone.layers.{blocks[-1][0]}.{blocks[-1][1]}.'
    )


def _named(pattern: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if re.match(pattern, name)]


def _numbers(pattern: str, names: Iterable[str]) -> list[tuple[int, ...]]:
    """The different numbers that a pattern's groups match, in order."""
    matches = (re.match(pattern, name) for name in names)
    return sorted({tuple(map(int, match.groups())) for match in matches if match})


def _rows(official: Mapping[str, Tensor], pattern: str) -> int:
    """Length of the first tensor of that name; 0 without one."""
    return next((len(official[n]) for n in _named(f'{pattern}$', official)), 0)


def _first(names: Iterable[str], count: int = 5) -> str:
    names = [str(name) for name in names]
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')
