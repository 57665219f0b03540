"""Names of the released STMask's tensors, and theirs in this package."""

from __future__ import annotations

from collections.abc import Iterator

from mmdet.models.backbones import ResNet

from .network import HEAD, ReleasedNetwork

CONV = ('weight', 'bias')
WEIGHT = ('weight',)
NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
BRANCHES = {'bbox': 'reg', 'conf': 'cls', 'mask': 'coeff', 'track': 'embed'}
NUM_KERNELS = 3

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
