"""An inferencer with random weights that detects, and videos for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import video_models
from model_factory import finding_config, moving_frames

from mmvis.apis import VISInferencer
from mmvis.visualization.video_writer import Mp4Writer


def make_inferencer(**kwargs) -> VISInferencer:
    """A tiny MaskTrack R-CNN; its frames are 192x320 whatever comes in."""
    weights = video_models.masktrack_rcnn().state_dict()
    return VISInferencer(finding_config(), weights, device='cpu', **kwargs)


def images(number: int, size: tuple[int, int] = (96, 160), seed: int = 0) -> list:
    """Frames (h, w, 3) uint8 of noise that slides."""
    frames = moving_frames(number, size, seed) * 40 + 128
    return list(frames.clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())


def write_folder(folder: Path, frames: list[np.ndarray]) -> Path:
    """Frames as 1.png, 2.png, ..., 10.png, ..."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, start=1):
        assert cv2.imwrite(str(folder / f'{number}.png'), frame)
    return folder


def write_video(path: Path, frames: list[np.ndarray], fps: float = 8.0) -> Path:
    with Mp4Writer(path, fps) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def same_results(one, other) -> None:
    """The same frames with the same instances, masks included."""
    assert [r.frame_id for r in one] == [r.frame_id for r in other]
    assert any(len(r) for r in one)
    for a, b in zip(one, other, strict=True):
        assert a.ids.tolist() == b.ids.tolist()
        assert a.labels.tolist() == b.labels.tolist()
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
        np.testing.assert_allclose(a.bboxes, b.bboxes, atol=1e-3)
        assert (a.masks != b.masks).sum() <= 2 * max(1, len(a))
