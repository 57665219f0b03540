"""Small models with random weights, and inputs for them."""

from __future__ import annotations

import copy
import functools
from pathlib import Path

import numpy as np
import pycocotools.mask as mask_util
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvis.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
FRAMES = 6
# Instances that both frames of a clip have, those of the first and of the second.
COUNTS = {
    'common': (2, 3, 3),
    'none_common': (0, 2, 2),
    'no_second': (0, 2, 0),
    'no_first': (0, 0, 2),
    'empty': (0, 0, 0),
}


@functools.cache
def parsed(path: Path) -> Config:
    """A config, read once: do not change it. Its bases take their time."""
    return Config.fromfile(path)


def tiny_config(name: str = 'tiny/masktrack_rcnn_tiny_synthvis.py') -> Config:
    """A config of the repository, of one's own to change."""
    return copy.deepcopy(parsed(CONFIGS / name))


def finding_config() -> Config:
    """Of a tiny MaskTrack R-CNN, with a threshold that random weights reach."""
    cfg = tiny_config()
    cfg.model.detector.test_cfg.rcnn.score_thr = 0.12
    return cfg


def tiny_model(cfg: Config | None = None, seed: int = 0):
    """A tiny MaskTrack R-CNN in eval mode whose random weights do give detections."""
    init_default_scope('mmvis')
    torch.manual_seed(seed)
    cfg = cfg or tiny_config()
    cfg.model.detector.test_cfg.rcnn.score_thr = 0.12
    model = MODELS.build(cfg.model)
    head = model.detector.roi_head
    torch.nn.init.normal_(head.bbox_head.fc_cls.weight, std=0.3)
    torch.nn.init.normal_(head.mask_head.conv_logits.weight, std=0.3)
    return model.eval()


def clip_sample(
    num_frames: int,
    video_id: int = 1,
    first: int = 0,
    length: int | None = None,
    ori_shape: tuple[int, int] = (192, 320),
    img_shape: tuple[int, int] = (96, 160),
) -> TrackDataSample:
    """Frames first .. first + num_frames - 1 of a video, as the pipeline packs them."""
    length = first + num_frames if length is None else length
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(
            metainfo=dict(
                video_id=video_id,
                frame_id=first + t,
                ori_video_length=length,
                video_length=num_frames,
                img_shape=img_shape,
                batch_input_shape=img_shape,
                pad_shape=img_shape,
                ori_shape=ori_shape,
                scale_factor=(img_shape[1] / ori_shape[1], img_shape[0] / ori_shape[0]),
            )
        )
        for t in range(num_frames)
    ]
    return sample


def moving_frames(num_frames: int, shape=(96, 160), seed: int = 0) -> torch.Tensor:
    """(T, 3, H, W) frames of smooth noise that slides, so that tracks can go on."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 12, 24, generator=generator)
    wide = torch.nn.functional.interpolate(
        coarse, size=(shape[0], shape[1] * 2), mode='bicubic'
    )[0]
    return torch.stack(
        [wide[:, :, 2 * t : 2 * t + shape[1]] for t in range(num_frames)]
    ).mul(1.5)


def training_clip(num_common: int, num_key: int, num_ref: int, seed: int = 0):
    """A key/reference pair (1, 2, 3, 96, 160) with boxes, masks, labels and ids."""
    rng = np.random.default_rng(seed)
    sample = clip_sample(2, ori_shape=(96, 160))
    for frame, count, start in ((0, num_key, 0), (1, num_ref, num_key - num_common)):
        masks = np.zeros((count, 96, 160), np.uint8)
        boxes = torch.zeros(count, 4)
        for i in range(count):
            x, y = int(rng.integers(5, 100)), int(rng.integers(5, 50))
            masks[i, y : y + 30, x : x + 40] = 1
            boxes[i] = torch.tensor([x, y, x + 40, y + 30])
        ids = torch.arange(start, start + count)
        sample[frame].gt_instances = InstanceData(
            bboxes=boxes,
            labels=ids % 8,
            masks=BitmapMasks(masks, 96, 160),
            instances_ids=ids,
        )
        sample[frame].ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4),
            labels=torch.zeros(0, dtype=torch.long),
            masks=BitmapMasks(np.zeros((0, 96, 160), np.uint8), 96, 160),
        )
    sample.set_metainfo(dict(key_frames_inds=[0], ref_frames_inds=[1]))
    return moving_frames(2, seed=seed)[None], [sample]


@torch.no_grad()
def predict(net, chunks, video_id=1, frames=None) -> list[InstanceData]:
    """What a model finds in FRAMES frames, given in chunks of these sizes."""
    frames = moving_frames(FRAMES) if frames is None else frames
    results, first = [], 0
    for size in chunks:
        sample = clip_sample(size, video_id, first, len(frames))
        net.predict(frames[None, first : first + size], [sample])
        results += [frame.pred_track_instances for frame in sample]
        first += size
    return results


@functools.cache
def whole_video(net) -> list[InstanceData]:
    """What a model finds in FRAMES frames that come as one chunk: do not change it.

    All other ways have to give the same.
    """
    return predict(net, [FRAMES])


def assert_same(one: list[InstanceData], other: list[InstanceData]) -> None:
    """The same instances in all frames; masks but for two pixels of rounding."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.instances_id.tolist() == b.instances_id.tolist()
        assert a.labels.tolist() == b.labels.tolist()
        torch.testing.assert_close(a.bboxes, b.bboxes, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(a.scores, b.scores, atol=1e-4, rtol=1e-4)
        for m, n in zip(a.masks, b.masks, strict=True):
            union = mask_util.area(mask_util.merge([m, n]))
            common = mask_util.area(mask_util.merge([m, n], intersect=True))
            assert union - common <= 2


def without_gradient(net, losses: dict) -> list[str]:
    """Names of the parameters without a finite gradient of a training step."""
    total, _ = net.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    return [
        name
        for name, parameter in net.named_parameters()
        if parameter.requires_grad
        and (parameter.grad is None or not parameter.grad.isfinite().all())
    ]
