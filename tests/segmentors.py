"""Small instance segmentors of mmdet with random weights, and one that needs none."""

from __future__ import annotations

import torch
from mmdet.models.detectors import BaseDetector
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import MODELS

BACKBONE = dict(base_channels=8, init_cfg=None, frozen_stages=-1)
NECK = dict(in_channels=[32, 64, 128, 256], out_channels=32)

# By family: mmdet's config, and what makes it small and lets it find something.
FAMILIES = {
    'mask_rcnn': dict(
        config='mmdet::_base_/models/mask-rcnn_r50_fpn.py',
        backbone=BACKBONE,
        neck=NECK,
        rpn_head=dict(in_channels=32, feat_channels=32),
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=32),
            mask_roi_extractor=dict(out_channels=32),
            bbox_head=dict(in_channels=32, fc_out_channels=32, num_classes=5),
            mask_head=dict(in_channels=32, conv_out_channels=32, num_classes=5),
        ),
        test_cfg=dict(
            rpn=dict(max_per_img=30), rcnn=dict(score_thr=0.0, max_per_img=20)
        ),
    ),
    'solov2': dict(
        config='mmdet::solov2/solov2_r50_fpn_1x_coco.py',
        backbone=BACKBONE,
        neck=NECK,
        mask_head=dict(
            in_channels=32,
            feat_channels=32,
            num_classes=5,
            num_grids=[8, 6, 5, 4, 3],
            mask_feature_head=dict(feat_channels=32, out_channels=32),
        ),
        test_cfg=dict(score_thr=0.0, filter_thr=0.0, max_per_img=20),
    ),
    'condinst': dict(
        config='mmdet::condinst/condinst_r50_fpn_ms-poly-90k_coco_instance.py',
        backbone=BACKBONE,
        neck=NECK,
        bbox_head=dict(in_channels=32, feat_channels=32, num_classes=5),
        mask_head=dict(mask_feature_head=dict(in_channels=32, feat_channels=32)),
        test_cfg=dict(score_thr=0.0, max_per_img=20),
    ),
    'rtmdet_ins': dict(
        config='mmdet::rtmdet/rtmdet-ins_tiny_8xb32-300e_coco.py',
        backbone=dict(widen_factor=0.125, init_cfg=None, norm_cfg=dict(type='BN')),
        neck=dict(in_channels=[32, 64, 128], out_channels=32, norm_cfg=dict(type='BN')),
        bbox_head=dict(
            in_channels=32,
            feat_channels=32,
            num_classes=5,
            norm_cfg=dict(type='BN'),
        ),
        test_cfg=dict(score_thr=0.0, max_per_img=20, mask_thr_binary=0.3),
    ),
    'mask2former': dict(
        config='mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
        backbone=BACKBONE,
        panoptic_head=dict(
            in_channels=[32, 64, 128, 256],
            num_queries=20,
            num_things_classes=5,
            pixel_decoder=dict(encoder=dict(num_layers=1)),
            transformer_decoder=dict(num_layers=2),
            loss_cls=dict(class_weight=[1.0] * 5 + [0.1]),
        ),
        panoptic_fusion_head=dict(num_things_classes=5),
        test_cfg=dict(max_per_image=20),
    ),
}


def track_by(detector: dict, seed: int = 0, **settings):
    """A TrackBySegmentation in eval mode with random weights."""
    init_default_scope('mmvis')
    torch.manual_seed(seed)
    tracker = dict(
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0, bbox_iou=1.0, label=1.0),
        embedding_momentum=0.5,
        epsilon=1.2,
        conflict='drop_duplicates',
    )
    tracker.update(settings.pop('tracker', {}))
    model = dict(
        type='TrackBySegmentation', detector=detector, tracker=tracker, **settings
    )
    return MODELS.build(model).eval()


@MODELS.register_module()
class PaintedSegmentor(BaseDetector):
    """Finds what is painted: channel 0 of a pixel is an instance's number, from 1.

    Channels 1 and 2 are the looks. Frames are not resized. The number says the score,
    0.9 - 0.01 * number, and the label, number // 10. Numbers are found in the order of
    ``order``, where they are in the frame.
    """

    def __init__(self, order=range(1, 100)) -> None:
        super().__init__()
        self.order = list(order)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """The looks of single pixels."""
        return (batch_inputs[:, 1:],)

    def predict(self, batch_inputs, batch_data_samples, rescale=True):
        """The painted instances."""
        for image, sample in zip(batch_inputs, batch_data_samples, strict=True):
            painted = image[0, : sample.ori_shape[0], : sample.ori_shape[1]]
            found = [n for n in self.order if (painted == n).any()]
            masks = [painted == n for n in found]
            numbers = torch.tensor(found, dtype=torch.long)
            sample.pred_instances = InstanceData(
                # As of SOLO: boxes are left to the masks.
                bboxes=torch.zeros(len(found), 4),
                scores=0.9 - 0.01 * numbers,
                labels=numbers // 10,
                masks=torch.stack(masks) if masks else painted.new_zeros(0, 1, 1),
            )
        return batch_data_samples

    def loss(self, batch_inputs, batch_data_samples):
        """Not trained."""
        raise NotImplementedError

    def _forward(self, batch_inputs, batch_data_samples=None):
        raise NotImplementedError
