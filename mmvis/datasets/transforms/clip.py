"""What every clip transform shares: the list-valued ``results`` of one clip.

Between frame sampling and packing, ``results`` holds one list per key and one entry per
frame: ``img`` (h, w, 3), and per instance ``gt_bboxes`` (n, 4) xyxy px,
``gt_bboxes_labels`` (n,), ``gt_instances_ids`` (n,), ``gt_ignore_flags`` (n,) bool,
``gt_masks`` BitmapMasks of n masks. Row i of all of them is one instance; n may differ
from frame to frame, and the ids say which rows are the same object.
"""

import cv2
import numpy as np
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

INSTANCE_KEYS = (
    'gt_bboxes',
    'gt_bboxes_labels',
    'gt_masks',
    'gt_instances_ids',
    'gt_ignore_flags',
)


def key_frame_index(results: dict) -> int:
    """Position of the key frame in the clip; the first frame where none is flagged."""
    flags = list(results.get('key_frame_flags', ()))
    return flags.index(True) if True in flags else 0


def common_frame_size(results: dict) -> tuple[int, int]:
    """(height, width) in pixels of the clip's frames.

    Raises:
        ValueError: the frames differ in size, so that no window fits them all.
    """
    sizes = {img.shape[:2] for img in results['img']}
    if len(sizes) != 1:
        video = results.get('video_id', ['?'])[0]
        listed = ', '.join(f'{h}x{w}' for h, w in sorted(sizes))
        raise ValueError(
            f'The frames of a clip of video {video} differ in size ({listed}, height x '
            'width): a clip transform needs equal frames; put a Resize with '
            'keep_ratio=False before it or repair the video.'
        )
    return sizes.pop()


def box_array(boxes: BaseBoxes | np.ndarray) -> np.ndarray:
    """(n, 4) float32 xyxy array of either form that mmdet's transforms exchange."""
    if isinstance(boxes, BaseBoxes):
        return boxes.numpy().astype(np.float32)
    return np.asarray(boxes, dtype=np.float32).reshape(-1, 4)


def mask_array(masks: BitmapMasks, frame: int, results: dict) -> np.ndarray:
    """(n, h, w) uint8 masks.

    Raises:
        TypeError: the masks are polygons, which clip transforms do not cut.
    """
    if not isinstance(masks, BitmapMasks):
        video = results.get('video_id', ['?'] * (frame + 1))[frame]
        raise TypeError(
            f'gt_masks of frame {frame} of a clip of video {video} is '
            f'{type(masks).__name__}, clip transforms need BitmapMasks: load the '
            'annotations with poly2mask=True.'
        )
    return masks.masks


def mask_areas(masks: np.ndarray) -> np.ndarray:
    """(n,) int64 number of pixels of (n, h, w) uint8 masks of 0 and 1."""
    # OpenCV counts a mask in a twentieth of the time in which numpy sums it up.
    if not masks.size:
        return np.zeros(len(masks), dtype=np.int64)
    return np.array([cv2.countNonZero(mask) for mask in masks], dtype=np.int64)


def tight_boxes(masks: np.ndarray) -> np.ndarray:
    """(n, 4) float32 xyxy boxes around (n, h, w) uint8 masks, x2 and y2 exclusive.

    A mask without a pixel gives a box of zeros.
    """
    boxes = np.zeros((len(masks), 4), dtype=np.float32)
    if masks.size:
        boxes[:] = [cv2.boundingRect(mask) for mask in masks]
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """(n,) area in px of (n, 4) xyxy boxes, 0 where a side is negative."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return sides[:, 0] * sides[:, 1]


def clip_boxes(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """(n, 4) xyxy boxes cut to a frame of ``height`` x ``width`` px."""
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


class FrameInstances:
    """The instances of one frame, taken out of the clip and put back after a warp.

    The mask decides: a box is the tight box of what is left of its mask. An instance
    without a mask pixel to begin with (an ignored region that has only a box), or a
    clip loaded without masks, goes by its box.

    Args:
        results (dict): The clip.
        frame (int): Position of the frame in the clip.
    """

    def __init__(self, results: dict, frame: int) -> None:
        self.results = results
        self.frame = frame
        self.boxes = box_array(results['gt_bboxes'][frame])
        self.masks = None
        self.areas = box_areas(self.boxes)
        self.has_mask: np.ndarray = np.zeros(len(self.boxes), dtype=bool)
        if 'gt_masks' in results:
            self.masks = mask_array(results['gt_masks'][frame], frame, results)
            mask_area = mask_areas(self.masks)
            self.has_mask = mask_area > 0
            self.areas = np.where(self.has_mask, mask_area, self.areas)
        if 'gt_ignore_flags' not in results:
            results['gt_ignore_flags'] = [
                np.zeros(len(boxes), dtype=bool) for boxes in results['gt_bboxes']
            ]
        self.ignored = np.asarray(results['gt_ignore_flags'][frame], dtype=bool)

    def __len__(self) -> int:
        return len(self.boxes)

    def replace(
        self,
        masks: np.ndarray | None,
        boxes: np.ndarray,
        size: tuple[int, int],
        min_visible: float,
        area_scale: float = 1.0,
    ) -> int:
        """Write the warped instances back; instances that left this frame are dropped.

        One of which less than ``min_visible`` remains is a target that nobody could
        recognise, but it is no background either: it becomes an ignored instance.

        Args:
            masks (np.ndarray | None): (n, h, w) uint8 warped masks.
            boxes (np.ndarray): (n, 4) warped boxes, not yet cut to the frame.
            size (tuple): (h, w) of the warped frame.
            min_visible (float): Share of an instance's area, see above.
            area_scale (float): Factor by which the warp changes areas.

        Returns:
            int: How many instances of the frame are targets (not ignored).
        """
        boxes = clip_boxes(boxes, *size)
        areas = box_areas(boxes)
        if masks is not None:
            areas = np.where(self.has_mask, mask_areas(masks), areas)
            boxes = np.where(self.has_mask[:, None], tight_boxes(masks), boxes)
        expected = np.maximum(self.areas * area_scale, 1e-6)
        ignored = self.ignored | (areas / expected < min_visible)
        self._store(masks, boxes, ignored, keep=areas > 0, size=size)
        return int(np.count_nonzero((areas > 0) & ~ignored))

    def _store(
        self,
        masks: np.ndarray | None,
        boxes: np.ndarray,
        ignored: np.ndarray,
        keep: np.ndarray,
        size: tuple[int, int],
    ) -> None:
        results, frame = self.results, self.frame
        for key in ('gt_bboxes_labels', 'gt_instances_ids'):
            if key in results:
                results[key][frame] = results[key][frame][keep]
        boxed = isinstance(results['gt_bboxes'][frame], BaseBoxes)
        kept = np.ascontiguousarray(boxes[keep], dtype=np.float32)
        results['gt_bboxes'][frame] = HorizontalBoxes(kept) if boxed else kept
        if masks is not None:
            results['gt_masks'][frame] = BitmapMasks(masks[keep], *size)
        results['gt_ignore_flags'][frame] = ignored[keep]
