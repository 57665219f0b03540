"""From the list-valued clip to what the data preprocessor and the models take."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.bbox import BaseBoxes
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import TRANSFORMS

from .clip import common_frame_size
from .run_length_masks import RunLengthMasks

with quiet_mmdet():
    from mmdet.datasets.transforms import PackTrackInputs

VIS_META_KEYS = (
    'img_id',
    'img_path',
    'ori_shape',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'frame_id',
    'video_id',
    'video_length',
    'ori_video_length',
)
"""What :class:`PackVISInputs` keeps of a frame, but for arrays."""
# What a pipeline without Resize or RandomFlip leaves unsaid, and heads read.
_NOTHING_DONE = {'scale_factor': (1.0, 1.0), 'flip': False, 'flip_direction': None}


@TRANSFORMS.register_module()
class PackVISInputs(PackTrackInputs):
    """mmdet's PackTrackInputs without the raw annotations among the meta keys.

    mmdet's default meta keys hold ``instances``, every RLE of the frame, which then
    travels through worker queues and distributed collections. Also takes boxes as
    HorizontalBoxes, fills ``scale_factor``, ``flip`` and ``flip_direction`` where no
    transform set them, and names the video whose frames do not stack. What it packs is
    what mmdet's packs, in a fraction of the time.

    Args:
        meta_keys (str | Sequence[str] | None): Meta keys beyond the default ones.
        default_meta_keys (Sequence[str]): The default ones.
    """

    def __init__(
        self,
        meta_keys: str | tuple[str, ...] | None = None,
        default_meta_keys: tuple[str, ...] = VIS_META_KEYS,
    ) -> None:
        if meta_keys is not None and not isinstance(meta_keys, str):
            meta_keys = tuple(meta_keys)
        super().__init__(meta_keys, tuple(default_meta_keys))

    def transform(self, results: dict) -> dict:
        """Pack one clip.

        Returns:
            dict: ``inputs`` (T, 3, h, w) Tensor and ``data_samples``, a TrackDataSample
            of T frames, each with gt_instances (bboxes (n, 4) xyxy px, labels (n,),
            instances_ids (n,), masks) and ignored_instances.

        Raises:
            ValueError: the frames differ in size.
        """
        packed: dict = dict(inputs={})
        if 'img' in results:
            common_frame_size(results)
            packed['inputs'] = stack_frames(results['img'])
        frames = [
            self._frame_sample(results, frame)
            for frame in range(len(results['img_id']))
        ]
        sample = TrackDataSample()
        # Its own setter writes the first frame's tensors into a text, and drops it.
        sample.set_field(frames, '_video_data_samples', dtype=list)
        # It also makes the name known by which to_dict and evaluators find the frames.
        sample._data_fields.add('video_data_samples')
        if 'key_frame_flags' in results:
            flags = np.asarray(results['key_frame_flags'])
            sample.set_metainfo(
                dict(
                    key_frames_inds=np.flatnonzero(flags).tolist(),
                    ref_frames_inds=np.flatnonzero(~flags).tolist(),
                )
            )
        packed['data_samples'] = sample
        return packed

    def _frame_sample(self, results: dict, frame: int) -> DetDataSample:
        targets, ignored = InstanceData(), InstanceData()
        flags = None
        if 'gt_ignore_flags' in results:
            flags = np.asarray(results['gt_ignore_flags'][frame], dtype=bool)
        for key, name in self.mapping_table.items():
            if key not in results:
                continue
            values = results[key][frame]
            if isinstance(values, BaseBoxes):
                values = values.tensor
            if flags is None:
                targets[name] = _tensor(values)
            else:
                for data, rows in ((targets, ~flags), (ignored, flags)):
                    data[name] = _tensor(_rows(values, rows))
        metainfo = {
            key: results[key][frame] if key in results else _NOTHING_DONE[key]
            for key in self.meta_keys
            if key in results or key in _NOTHING_DONE
        }
        sample = DetDataSample(metainfo=metainfo)
        sample.gt_instances, sample.ignored_instances = targets, ignored
        return sample

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'


def _rows(values: Any, rows: np.ndarray) -> Any:
    """Some rows (n,) bool of an array, tensor or masks; all of them without a copy."""
    if rows.all():
        return values[:] if isinstance(values, RunLengthMasks) else values
    return values[np.flatnonzero(rows)]


def _tensor(values: Any) -> Any:
    return torch.from_numpy(values) if isinstance(values, np.ndarray) else values


def stack_frames(images: Sequence[np.ndarray]) -> Tensor:
    """Frames (h, w, C) of one size and dtype as (T, C, h, w), copied once.

    mmdet's way copies twice, and a flipped frame, whose rows run backwards, pixel by
    pixel.
    """
    height, width, channels = images[0].shape
    stacked = np.empty((len(images), channels, height, width), images[0].dtype)
    for planes, image in zip(stacked, images, strict=True):
        if image.strides[1] < 0 and image.strides[0] > 0:
            image = cv2.flip(image[:, ::-1], 1)
        cv2.split(image, list(planes))
    return torch.from_numpy(stacked)
