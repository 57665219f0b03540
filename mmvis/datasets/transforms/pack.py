"""From the list-valued clip to what the data preprocessor and the models take."""

from mmdet.structures.bbox import BaseBoxes

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import TRANSFORMS

from .clip import common_frame_size

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
    transform set them, and names the video whose frames do not stack.

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
        results = dict(results)
        if 'img' in results:
            common_frame_size(results)
        if 'gt_bboxes' in results:
            results['gt_bboxes'] = [
                boxes.tensor if isinstance(boxes, BaseBoxes) else boxes
                for boxes in results['gt_bboxes']
            ]
        for key, value in _NOTHING_DONE.items():
            results.setdefault(key, [value] * len(results['img_id']))
        return super().transform(results)
