"""A small model of each kind whose random weights do find and follow something."""

from __future__ import annotations

import functools

import torch
from mmengine.registry import init_default_scope
from model_factory import FRAMES, moving_frames, tiny_config, tiny_model
from segmentors import FAMILIES, track_by

from mmvis.registry import MODELS

masktrack_rcnn = functools.cache(tiny_model)


def _settled(net):
    """In eval mode, with the batch statistics of a few frames.

    So activations are neither tiny nor huge.
    """
    with torch.no_grad():
        net.train().extract_feat(moving_frames(4))
    return net.eval()


def _build(cfg):
    init_default_scope('mmvis')
    torch.manual_seed(0)
    net = MODELS.build(cfg)
    net.init_weights()
    return net


@functools.cache
def stmask(tracker=None, **head):
    """A tiny STMask with the paper's calibration, which its config goes without."""
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py').model
    cfg.bbox_head.test_cfg.update(score_thr=0.2, max_per_img=8, min_score=None)
    cfg.bbox_head.calibration = dict(
        type='CalibratedConvolution',
        offset=dict(type='AdaptiveOffset'),
        branches=('cls', 'coeff'),
    )
    cfg.bbox_head.update(head)
    cfg.tracker.supplement.min_score = 0
    if tracker is not None:
        cfg.tracker = dict(type=tracker)
        cfg.test_cfg = dict(temporal_fusion=False)
    return _settled(_build(cfg))


EMBEDDING_TRACKER = dict(
    type='EmbeddingMaskIoUTracker', epsilon=0.3, num_frames_retain=20
)
# What SG-Net's head is made with.
SG_NETS = {
    'default': {},
    'current': dict(previous_features=False),
    'embedding': dict(embed_channels=16),
}


@functools.cache
def sg_net(case='default'):
    """A tiny SG-Net whose boxes have some 40 px, and move by less."""
    cfg = tiny_config('tiny/sg_net_tiny_synthvis.py').model
    cfg.bbox_head.test_cfg.update(score_thr=0.2, max_per_img=8)
    cfg.bbox_head.update(SG_NETS[case])
    if case == 'embedding':
        cfg.tracker = EMBEDDING_TRACKER
    net = _build(cfg)
    made = net.bbox_head
    for name in ('conv_cls', 'conv_centerness', 'conv_attention'):
        torch.nn.init.normal_(getattr(made, name).weight, std=0.2)
    torch.nn.init.constant_(made.conv_reg.bias, 3.0)
    torch.nn.init.normal_(made.conv_movement.weight, std=0.03)
    return _settled(net)


def tfan_config():
    """The model of TFAN's tiny config, with a threshold that random weights reach."""
    cfg = tiny_config('tiny/tfan_tiny_synthvis.py').model
    cfg.detector.test_cfg.rcnn.update(score_thr=0.12, max_per_img=8)
    return cfg


@functools.cache
def tfan(type_name='TFAN', num_frames=2, **settings):
    """A tiny TFAN, or what it is by other settings."""
    cfg = tfan_config()
    cfg.update(type=type_name, **settings)
    cfg.test_cfg.num_frames = num_frames
    return _tfan(cfg)


@functools.cache
def tfan_fc():
    """A tiny TFAN that is augmented among fc features, as before its first step."""
    cfg = tfan_config()
    cfg.detector.roi_head.mask_roi_extractor.type = 'SingleRoIExtractor'
    cfg.augmentation = dict(
        type='FCFeatureAugmentation', in_channels=64, embed_channels=32
    )
    return _tfan(cfg)


def _tfan(cfg):
    net = _build(cfg)
    head = net.detector.roi_head
    for box_head, mask_head in zip(head.bbox_head, head.mask_head, strict=True):
        torch.nn.init.normal_(box_head.fc_cls.weight, std=0.3)
        torch.nn.init.normal_(mask_head.conv_logits.weight, std=0.3)
    return _settled(net)


INSTANCE_FLOWS = {'single': (1.0,), 'scales': (0.5, 0.75, 1.0)}


@functools.cache
def instance_flow(case='single'):
    """A tiny InstanceFlow; two fifths of the frames are background."""
    net = _build(tiny_config('tiny/instance_flow_tiny_synthvis.py').model)
    net.test_cfg.scales = INSTANCE_FLOWS[case]
    net.assembly.threshold, net.assembly.top_k = 0.3, 8
    net.tracker.epsilon = 32.0  # so that some are new
    heads = net.intra_frame_head, net.inter_frame_head
    for predictor, std in (
        *((p, 0.6) for p in net.semantic_head.predictors),
        *((head.offset, 0.3) for head in heads),
        (heads[0].center, 1.0),
    ):
        torch.nn.init.normal_(predictor[1].weight, std=std)
    with torch.no_grad():
        net.train()
        for _ in range(20):
            feats = net.extract_feat(moving_frames(4))
            net.semantic_head(feats), heads[0](feats)
            encoded = heads[1].encode(feats)
            heads[1](encoded, encoded.references)
        net.eval()
        logits = net.semantic_head(net.extract_feat(moving_frames(FRAMES)))
        margin = logits[:, :-1].logsumexp(1) - logits[:, -1]
        net.semantic_head.predictors[-1][1].bias[-1] += margin.quantile(0.4)
    return net


@functools.cache
def track_by_segmentation(family='mask_rcnn'):
    """All that a segmentor with random weights finds is kept."""
    return track_by(FAMILIES[family], score_thr=0.0, max_per_img=100, mask_nms_thr=None)
