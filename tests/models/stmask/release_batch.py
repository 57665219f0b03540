"""The batch whose losses the released STMask computed: predictions and objects."""

import copy
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fixtures.stmask import weights_rule
from fixtures.stmask_fixtures import load, official_shapes
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.stmask.outputs import STMaskOutputs
from mmvis.models.stmask.temporal_fusion import TemporalFusion
from mmvis.models.stmask.temporal_network import boxes_to_cells
from mmvis.models.stmask.video_state import STMaskFeatures
from mmvis.registry import MODELS, TASK_UTILS

NAME = 'loss_standalone_r50_ada_2clips_64x96'
INPUT = (64, 96)
SIZE = torch.tensor([96.0, 64.0, 96.0, 64.0])
FRAMES = ('c0f0', 'c0f1', 'c1f0', 'c1f1')
CONFIG = (
    Path(__file__).parents[3] / 'configs/stmask_official/stmask_official_r50_ada.py'
)
# Predictions that gradients are stored of: the release's name and ours.
PREDICTIONS = dict(
    loc='deltas',
    conf='logits',
    centerness='centerness',
    mask_coeff='coefficients',
    track='embeddings',
    proto='prototypes',
)
# Names of the losses: ours and the release's.
LOSSES = dict(
    loss_cls='C',
    loss_bbox='BIoU',
    loss_mask='M',
    loss_embed='T',
    loss_centerness='center',
    loss_shift_bbox='B_shift',
    loss_shift_mask='M_shift',
)
# What the paper's configs have.
PAPER = dict(
    assigner=dict(
        type='MaxIoUAssigner',
        pos_iou_thr=0.5,
        neg_iou_thr=0.4,
        min_pos_iou=0.0,
        ignore_iof_thr=0.5,
        gt_max_assign_all=False,
    ),
    loss_cls=dict(type='HardNegativeCrossEntropyLoss'),
    loss_mask=dict(type='PrototypeMaskLoss'),
    loss_shift_mask=dict(type='PrototypeMaskLoss'),
    shift_prior='predicted',
    bbox_unit='pixel',
)


class StoredFusion(TemporalFusion):
    """The temporal network on a stored join of both frames' features."""

    def between(self, previous, current, bboxes, input_shape, pairs=None):
        cells = boxes_to_cells(bboxes, input_shape, self.joined.shape[-2:])
        return self(self.joined, torch.cat([pairs[:, None].to(cells), cells], 1))


@dataclass
class Batch:
    """Arguments of the criterion, and the leaves that gradients are stored of."""

    features: STMaskFeatures
    frames: list[DetDataSample]
    bbox_coder: object
    temporal_net: StoredFusion
    leaves: dict[str, Tensor]

    @property
    def arguments(self) -> tuple:
        return self.features, self.frames, INPUT, self.bbox_coder, self.temporal_net


def to_release(name: str, value: Tensor) -> Tensor:
    """A prediction or its gradient in the release's order of axes and classes."""
    if name == 'conf':
        return value.roll(1, -1)
    return value.permute(0, 2, 3, 1) if name == 'proto' else value


def from_release(name: str, value: Tensor) -> Tensor:
    if name == 'conf':
        return value.roll(-1, -1)
    if name == 'proto':
        return value.permute(0, 3, 1, 2)
    return value[..., 0] if name == 'centerness' else value


def corners(priors: Tensor) -> Tensor:
    """Priors (N, 4), centre and size from 0 to 1, as xyxy in pixels."""
    centre, extent = priors.split(2, dim=1)
    return torch.cat([centre - extent / 2, centre + extent / 2], 1) * SIZE


@functools.cache
def model_config():
    return Config.fromfile(CONFIG).model


@functools.cache
def temporal_weights() -> dict[str, Tensor]:
    """The temporal network's weights by the rule, under our names."""
    shapes = official_shapes('STMask_plus_resnet50_ada')
    shapes = [row for row in shapes if row[0].startswith('TemporalNet')]
    return {
        name.removeprefix('TemporalNet.')
        .replace('conv1.', 'convs.0.conv.')
        .replace('conv2.', 'convs.1.conv.')
        .replace('conv3.', 'convs.2.conv.')
        .replace('fc.', 'fc_reg.'): value
        for name, value in weights_rule.make_state('ship:', shapes).items()
    }


def criterion(**settings):
    """The criterion of the release's config, with some settings changed."""
    config = copy.deepcopy(model_config().criterion)
    config.update(settings)
    return MODELS.build(config)


def batch() -> Batch:
    stored = load(NAME)
    leaves = {
        name: from_release(name, torch.from_numpy(stored[f'pred_{name}']).float())
        .contiguous()
        .requires_grad_()
        for name in PREDICTIONS
    }
    fusion = StoredFusion(
        **{k: v for k, v in model_config().temporal_net.items() if k != 'type'}
    )
    fusion.load_state_dict(temporal_weights())
    joined = torch.from_numpy(stored['pred_T2S_concat_feat']).float()
    fusion.joined = leaves['T2S_concat_feat'] = joined.requires_grad_()
    anchors = corners(torch.from_numpy(stored['pred_priors']))
    nothing = torch.zeros(4, 0, 1, 1)
    outputs = {PREDICTIONS[name]: leaves[name] for name in PREDICTIONS}
    features = STMaskFeatures(
        prototypes=outputs.pop('prototypes'),
        outputs=STMaskOutputs(**outputs),
        temporal=(nothing, nothing),
        anchors=anchors.expand(4, -1, -1),
    )
    coder = TASK_UTILS.build(
        dict(
            type='DeltaXYWHBBoxCoder',
            target_stds=(0.1, 0.1, 0.2, 0.2),
            wh_ratio_clip=1e-6,
        )
    )
    frames = [frame(stored, name) for name in FRAMES]
    return Batch(features, frames, coder, fusion, leaves)


def frame(stored: dict[str, np.ndarray], name: str) -> DetDataSample:
    """One frame's objects; the clip's number is the video's."""
    masks = np.unpackbits(stored[f'{name}_masks_packed'], axis=-1)
    masks = masks[..., : INPUT[1]]
    sample = DetDataSample(metainfo=dict(video_id=name[:2]))
    sample.gt_instances = InstanceData(
        bboxes=torch.from_numpy(stored[f'{name}_boxes']) * SIZE,
        labels=torch.from_numpy(stored[f'{name}_labels']) - 1,
        instances_ids=torch.from_numpy(stored[f'{name}_ids']),
        masks=BitmapMasks(masks, *INPUT),
    )
    return sample
