"""What every online VIS model shares: chunks of a video in, tracked instances out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import TrackDataSample, TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.structures.nested_tensors import map_tensors
from mmvis.structures.rle import encode_masks, rle_area

from .frame_groups import groups_that_fit, runs_of_one_size
from .host_copies import copy_to_host
from .video_states import VideoStates


class BaseVISModel(BaseMOTModel):
    """Base of online video instance segmentation models.

    A subclass gives :meth:`init_state`, :meth:`extract_feat` and
    :meth:`predict_frame`; this class walks through the chunks of a video, frame after
    frame, so that predicting ten frames at once, one by one, or as a stream gives the
    same result. The network is stateless: what is remembered of a video is the state
    that init_state made, held here by video id in :meth:`predict`, or by the caller of
    :meth:`predict_clip`.

    Attributes:
        needs_whole_video (bool): Whether all frames have to come in one chunk.
    """

    needs_whole_video = False

    @abstractmethod
    def init_state(self) -> Any:
        """The state of a video of which no frame has been seen."""

    @abstractmethod
    def extract_feat(self, frames: Tensor) -> tuple:
        """Feature maps (T, C_l, H_l, W_l) of frames (T, C, H, W)."""

    def extract_test_feat(self, frames: Tensor) -> tuple:
        """What :meth:`predict_frame` needs of frames (T, C, H, W).

        A tuple or NamedTuple, of tensors that begin with the axis of frames or, again,
        of such tuples; nothing else may be in it. A model that needs less for
        predicting than for training overrides it.
        """
        return self.extract_feat(frames)

    @abstractmethod
    def predict_frame(self, feats: Any, metainfo: dict, state: Any) -> InstanceData:
        """The tracked instances of one frame.

        Args:
            feats (tuple): This frame of each tensor of :meth:`extract_test_feat`:
                feature maps, (1, C_l, H_l, W_l) each, in the same tuples.
            metainfo (dict): frame_id, img_shape, ori_shape, scale_factor, ...
            state: The video's state; updated.

        Returns:
            InstanceData: bboxes (n, 4) xyxy in pixels of the original frame, scores
            (n,), labels (n,), instances_id (n,) int64, masks (n, h, w) bool at the
            original size, and class_scores (n, num_classes) where the model decides a
            track's category by accumulated soft scores; with objectness (n,), if the
            score of any class in this frame is its class score times that.
        """

    @property
    def video_states(self) -> VideoStates:
        """States of the videos that :meth:`predict` is in the middle of."""
        # Not in __init__: a plain attribute that subclasses of mmdet's models get too.
        if '_video_states' not in self.__dict__:
            self.__dict__['_video_states'] = VideoStates()
        return self.__dict__['_video_states']

    def train(self, mode: bool = True) -> BaseVISModel:
        """Switch the mode; going back to training ends all videos under test."""
        if mode:
            self.video_states.clear()
        return super().train(mode)

    def predict(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> TrackSampleList:
        """Predict a chunk of consecutive frames of one or more videos.

        Args:
            inputs (Tensor): (N, T, C, H, W), normalised and padded.
            data_samples (list[TrackDataSample]): N chunks of T frames with metainfo
                video_id, frame_id and ori_video_length.

        Returns:
            list[TrackDataSample]: The same, each frame with pred_track_instances:
            bboxes, scores, labels, instances_id, masks as n run-length encodings at
            the original size, all on the CPU.
        """
        for clip, sample in zip(inputs, data_samples, strict=True):
            first = sample[0].metainfo
            state = self.video_states.enter(
                first['video_id'],
                first['frame_id'],
                len(sample),
                first['ori_video_length'],
                self.init_state,
            )
            self.predict_clip(clip, sample, state)
        return data_samples

    @staticmethod
    def frames_at_once(frames: Tensor) -> int:
        """How many frames of a chunk go through the network together."""
        # One at a time is faster on a CPU (8 frames of 384x640 by R50-FPN: 1.65 s
        # against 2.6 s as one batch); a GPU wants the whole chunk.
        return len(frames) if frames.is_cuda else 1

    def predict_clip(
        self, frames: Tensor, sample: TrackDataSample, state: Any
    ) -> list[InstanceData]:
        """Predict consecutive frames (T, C, H, W) of one video with its own state.

        An instance of which nothing is in the frame, an empty mask or an empty box, is
        not reported; its track goes on.
        """
        size = self.frames_at_once(frames)
        predictions: list[InstanceData] = []
        for start in range(0, len(frames), size):
            part = sample[start : start + size]
            feats = self.extract_test_feat(frames[start : start + size])
            metainfos = [frame.metainfo for frame in part]
            for run in runs_of_one_size(metainfos):
                own = map_tensors(itemgetter(run), feats)
                results = self._predict_run(own, metainfos[run], state)
                # Masks leave the device as run lengths.
                for group in groups_that_fit(results, lambda r: r.masks.numel()):
                    predictions += _encoded(group)
        for frame, result in zip(sample, _to_host(predictions), strict=True):
            frame.pred_track_instances = _visible(result)
        return [frame.pred_track_instances for frame in sample]

    def _predict_run(
        self, feats: Any, metainfos: Sequence[dict], state: Any
    ) -> Iterator[InstanceData]:
        if len(metainfos) > 1:
            yield from self.predict_frames(feats, metainfos, state)
        else:
            yield self.predict_frame(feats, metainfos[0], state)

    def predict_frames(
        self, feats: Any, metainfos: Sequence[dict], state: Any
    ) -> Iterator[InstanceData]:
        """The tracked instances of consecutive frames, as :meth:`predict_frame`'s.

        On a GPU, where frames come in chunks. A model overrides it to compute together
        what does not depend on the frame before.

        Args:
            feats (tuple): :meth:`extract_test_feat` of these frames.
            metainfos (Sequence[dict]): Of each; all of one size, before and after
                scaling.
            state: The video's state; updated.
        """
        for t, metainfo in enumerate(metainfos):
            one = map_tensors(itemgetter(slice(t, t + 1)), feats)
            yield self.predict_frame(one, metainfo, state)


def _encoded(results: Sequence[InstanceData]) -> Sequence[InstanceData]:
    """Frames of one size, whose masks become run lengths."""
    counts = [len(result) for result in results]
    masks = [result.masks for result in results]
    rles = iter(encode_masks(masks[0] if len(masks) == 1 else torch.cat(masks)))
    for result, count in zip(results, counts, strict=True):
        result.masks = [next(rles) for _ in range(count)]
    return results


def _to_host(results: list[InstanceData]) -> list[InstanceData]:
    """The tensors of all frames on the CPU, by one copy."""
    hosts = [InstanceData(masks=result.masks) for result in results]
    # Of some frames they are there already.
    fields = {
        (t, name): result[name]
        for t, result in enumerate(results)
        for name in sorted(set(result.keys()) - {'masks'})
    }
    for (t, name), field in copy_to_host(fields).items():
        hosts[t][name] = field
    return hosts


def _visible(result: InstanceData) -> InstanceData:
    """Instances, on the CPU, whose mask has a pixel and whose box has a size."""
    if len(result) == 0:
        return result
    sized = (result.bboxes[:, 2:] > result.bboxes[:, :2]).all(1)
    seen = sized & (torch.from_numpy(rle_area(result.masks)) > 0)
    return result if seen.all() else result[seen]
