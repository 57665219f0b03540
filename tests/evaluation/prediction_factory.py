"""Predictions as a model gives them to the metric, and files to compare them with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from random_cases import HEIGHT, WIDTH, to_annotation, to_ground_truth

from mmvis.evaluation import YouTubeVISMetric
from mmvis.structures import encode_masks


@dataclass
class Predicted:
    """A predicted track: masks (h, w) or None a frame; None is "not predicted"."""

    id: int
    label: int | Sequence[int]
    score: float | Sequence[float]
    frames: list
    class_scores: Sequence | None = None


def box_mask(top: int, left: int, height: int = 3, width: int = 4) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


def frame_samples(
    video_id, tracks: list[Predicted], length: int, as_rle=True
) -> list[DetDataSample]:
    """The frames of a video, in order."""
    samples = []
    for t in range(length):
        here = [track for track in tracks if track.frames[t] is not None]
        masks = np.zeros((len(here), HEIGHT, WIDTH), dtype=bool)
        for mask, track in zip(masks, here, strict=True):
            mask[:] = track.frames[t]
        instances = InstanceData(
            bboxes=torch.zeros(len(here), 4),
            scores=torch.tensor([float(at(track.score, t)) for track in here]),
            labels=torch.tensor([at(track.label, t) for track in here]).long(),
            instances_id=torch.tensor([track.id for track in here]).long(),
            masks=encode_masks(masks) if as_rle else torch.from_numpy(masks),
        )
        soft = [
            track.class_scores[t] for track in here if track.class_scores is not None
        ]
        if soft:
            instances.class_scores = torch.tensor(soft)
        sample = DetDataSample(
            metainfo=dict(
                video_id=video_id,
                frame_id=t,
                ori_shape=(HEIGHT, WIDTH),
                ori_video_length=length,
            )
        )
        sample.pred_track_instances = instances
        samples.append(sample)
    return samples


def at(value, t: int):
    return value[t] if isinstance(value, Sequence) else value


def process(metric, samples: list[DetDataSample], chunk: int | None = None) -> None:
    """Hand a video to the metric as mmengine's Evaluator does, in chunks."""
    chunk = chunk or len(samples)
    for start in range(0, len(samples), chunk):
        track_sample = TrackDataSample()
        track_sample.video_data_samples = samples[start : start + chunk]
        metric.process(None, [track_sample.to_dict()])


def write_ground_truth(folder: Path, lengths: dict, annotations, categories) -> str:
    path = Path(folder, 'instances.json')
    path.write_text(json.dumps(to_ground_truth(lengths, annotations, categories)))
    return str(path)


def make_metric(ann_file: str, category_ids: Sequence[int], **kwargs):
    metric = YouTubeVISMetric(**kwargs)
    metric.dataset_meta = {
        'classes': tuple(f'category {c}' for c in category_ids),
        'category_ids': tuple(category_ids),
        'ann_file': ann_file,
    }
    return metric


def two_videos(folder: Path) -> tuple[str, dict[int, list[Predicted]]]:
    """A file of two videos, 3 and 2 frames, and its perfect predictions.

    Category ids are 40 and 3 in that order; track ids restart at 0 in each video.
    """
    tracks = {
        7: [
            Predicted(0, 0, 0.9, [box_mask(0, t) for t in range(3)]),
            Predicted(1, 1, 0.8, [box_mask(4, 1), None, box_mask(4, 3)]),
        ],
        0: [Predicted(0, 1, 0.7, [box_mask(2, 2), box_mask(3, 3)])],
    }
    annotations = [
        to_annotation(n, video_id, (40, 3)[track.label], track.frames)
        for n, (video_id, track) in enumerate(
            (video_id, track) for video_id in tracks for track in tracks[video_id]
        )
    ]
    path = write_ground_truth(folder, {7: 3, 0: 2}, annotations, [40, 3])
    return path, tracks
