"""What a released checkpoint of STMask or Yolact++ says of its network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mmdet.models.backbones import ResNet
from torch import Tensor

from mmvis.engine.checkpoint import CheckpointError

HEAD = 'prediction_layers.0'

# What Yolact++ has and STMask has no place for: other anchors, other classes, layers
# of its training and of its mask scores.
YOLACT_ONLY = (
    r'semantic_seg_conv\.',
    r'maskiou_net\.',
    rf'{re.escape(HEAD)}\.(bbox|conf|mask)_layer\.(weight|bias)$',
)
# Copies that old versions of Yolact wrote; its own loader skips them too.
STALE = (r'backbone\.layer\d', r'fpn\.downsample_layers\.(?![01]\.)')


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


def describe(official: Mapping[str, Tensor], source: str) -> ReleasedNetwork:
    """Read off names and shapes what network it is."""
    blocks = _numbers(r'backbone\.layers\.(\d)\.(\d+)\.', official)
    if not blocks:
        raise CheckpointError(
            f'{source} is not a state dict of the released STMask or of Yolact++, '
            f'whose names begin with backbone.layers.: it has {first_of(official)}.'
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


def first_of(names: Iterable[str], count: int = 5) -> str:
    """Some names, in one line of a message."""
    names = [str(name) for name in names]
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')
