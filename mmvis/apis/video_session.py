"""One video on its way through a model that others may use at the same time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from mmdet.structures import TrackDataSample
from mmengine.dataset import Compose
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvis.engine.machine_faults import is_out_of_memory
from mmvis.registry import TRANSFORMS
from mmvis.runtime.frame_session import FrameSession
from mmvis.structures.frame_result import FrameResult

from .errors import OutOfMemoryError

_video_ids = count()


class VideoSession(FrameSession):
    """The state of one video: frames in, tracked instances out.

    Made by ``VISInferencer.session``. The network is shared and keeps nothing of a
    video, so that any number of sessions take turns with one model.

    Args:
        model (nn.Module): A video model of mmvis in eval mode.
        prepare (Callable): Frames and their first number to the model's input.
        class_names (tuple[str] | None): Names by label.

    Attributes:
        restores (bool): Whether the session is as before when memory did not suffice
            for a frame, so that it can go on; for that, each call copies the state.
            False by default: then a new video has to begin. Such an error is an
            ``OutOfMemoryError``, whose message has the frame and how many detections
            there were.
    """

    def __init__(
        self,
        model: nn.Module,
        prepare: Callable[[Sequence[np.ndarray], int, Any], tuple],
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        self._model: Any = model
        self._prepare = prepare
        self.restores = False
        super().__init__(class_names)

    def _new_state(self) -> Any:
        self._video_id = next(_video_ids)
        return self._model.init_state()

    def _predict(
        self, images: Sequence[np.ndarray], size: tuple[int, int]
    ) -> list[FrameResult]:
        with torch.inference_mode():
            before = copy.deepcopy(self._state) if self.restores else None
            try:
                frames, sample = self._prepare(images, self._next, self._video_id)
                found = self._model.predict_clip(frames, sample, self._state)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = self._memory_message(error, images)
                if self.restores:
                    self._state = before
                    # Its trace holds what the memory is full of.
                    raise OutOfMemoryError(message) from None
                raise OutOfMemoryError(message) from error
        return [
            FrameResult.from_instances(frame_id, size, instances, self._class_names)
            for frame_id, instances in enumerate(found, self._next)
        ]

    def _memory_message(self, error: BaseException, images: Sequence) -> str:
        first, last = self._next, self._next + len(images) - 1
        frames = f'frame {first}' if first == last else f'frames {first} to {last}'
        count = _most_detections(error)
        having = '' if count is None else f', which had {count} detections at hand'
        return (
            f'Memory was used up in {frames}{having}. Take a smaller chunk, half '
            'precision, smaller frames, or fewer detections (max_per_img).'
        )


def _most_detections(error: BaseException) -> int | None:
    """The most instances that the code had at hand which failed."""
    counts, trace = [], error.__traceback__
    while trace is not None:
        values = trace.tb_frame.f_locals.values()
        counts += [len(value) for value in values if isinstance(value, InstanceData)]
        trace = trace.tb_next
    return max(counts, default=None)


class Preparation:
    """A config's test pipeline without its loading, and the model's preprocessor.

    Args:
        pipeline (list[dict]): Test pipeline of a config.
        model (nn.Module): Has ``data_preprocessor``.

    Raises:
        ValueError: The pipeline needs more than images.
    """

    def __init__(self, pipeline: Sequence[dict], model: nn.Module) -> None:
        self._model: Any = model
        transforms = without_loading(pipeline)
        if not transforms:
            raise ValueError('test_pipeline has nothing behind its loading.')
        self._pipeline = Compose([TRANSFORMS.build(step) for step in transforms])

    def __call__(
        self, images: Sequence[np.ndarray], first: int, video_id: Any
    ) -> tuple[Tensor, TrackDataSample]:
        """Frames (T, C, H, W), normalised and padded on the device, and their sample.

        Args:
            images (Sequence[np.ndarray]): T images (h, w, 3) uint8 BGR of one size.
            first (int): Number of the first one in its video.
            video_id: Identity of the video.
        """
        length = len(images)
        height, width = images[0].shape[:2]

        def same(value: Any) -> list:
            return [value] * length

        frame_ids = list(range(first, first + length))
        clip = dict(
            img=list(images),
            img_path=same(''),
            img_id=frame_ids,
            frame_id=frame_ids,
            video_id=same(video_id),
            height=same(height),
            width=same(width),
            ori_shape=same((height, width)),
            img_shape=same((height, width)),
            instances=same([]),
            video_length=same(length),
            # A stream's end is not known; a whole video as one clip ends here.
            ori_video_length=same(first + length),
        )
        packed = self._pipeline(clip)
        data = self._model.data_preprocessor(
            dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']]),
            False,
        )
        return data['inputs'][0], data['data_samples'][0]


def without_loading(pipeline: Sequence[dict]) -> list[dict]:
    """A copy of a pipeline without the steps that read files."""
    kept = []
    for step in pipeline:
        kind = str(step['type']).rpartition('.')[2]
        if kind.startswith('Load'):
            continue
        if 'transforms' in step:
            inner = without_loading(step['transforms'])
            if not inner:
                continue
            step = dict(step, transforms=inner)
        kept.append(dict(step))
    return kept
