"""Crops with one window a clip."""

from abc import abstractmethod

import numpy as np
from mmcv.transforms import BaseTransform

from mmvis.registry import TRANSFORMS

from .clip import (
    FrameInstances,
    box_areas,
    clip_boxes,
    common_frame_size,
    key_frame_index,
    mask_areas,
)


class ClipCrop(BaseTransform):
    """Cuts all frames of a clip to one window.

    A subclass chooses the window. Instances that leave a frame are dropped from that
    frame only; boxes are the tight boxes of the remaining masks; instances of which
    less than ``min_visible`` is left in a frame become ignored there.

    Modified keys: img, img_shape, gt_bboxes, gt_bboxes_labels, gt_masks,
    gt_instances_ids, gt_ignore_flags.

    Args:
        min_visible (float): Least share of an instance's area inside the window, in
            [0, 1], for it to stay a target.
        attempts (int): Number of windows tried.
    """

    def __init__(self, min_visible: float = 0.2, attempts: int = 50) -> None:
        if not 0 <= min_visible <= 1:
            raise ValueError(f'min_visible must be in [0, 1], got {min_visible}.')
        if attempts < 1:
            raise ValueError(f'attempts must be at least 1, got {attempts}.')
        self.min_visible = min_visible
        self.attempts = attempts

    @abstractmethod
    def choose_window(
        self, key: FrameInstances, height: int, width: int
    ) -> np.ndarray | None:
        """The window as (4,) int xyxy px, or None to leave the clip as it is."""

    def transform(self, results: dict) -> dict:
        """Crop one clip in the list-valued form of clip.py."""
        height, width = common_frame_size(results)
        key_frame = key_frame_index(results)
        key = FrameInstances(results, key_frame)
        window = self.choose_window(key, height, width)
        if window is None:
            return results
        x1, y1, x2, y2 = (int(side) for side in window)
        size = (y2 - y1, x2 - x1)
        for frame, img in enumerate(results['img']):
            instances = key if frame == key_frame else FrameInstances(results, frame)
            results['img'][frame] = img[y1:y2, x1:x2]
            results['img_shape'][frame] = size
            masks = instances.masks
            instances.replace(
                masks if masks is None else masks[:, y1:y2, x1:x2],
                instances.boxes - np.array([x1, y1, x1, y1], np.float32),
                size,
                self.min_visible,
            )
        return results

    def keeps_a_target(self, key: FrameInstances, window: np.ndarray) -> bool:
        """Whether the window leaves the key frame a target, if it had one."""
        if key.ignored.all():
            return True
        x1, y1, x2, y2 = window
        moved = key.boxes - np.array([x1, y1, x1, y1], np.float32)
        areas = box_areas(clip_boxes(moved, y2 - y1, x2 - x1))
        if key.masks is not None:
            inside = mask_areas(key.masks[:, y1:y2, x1:x2])
            areas = np.where(key.has_mask, inside, areas)
        shares = areas / np.maximum(key.areas, 1e-6)
        kept = (areas > 0) & (shares >= self.min_visible) & ~key.ignored
        return bool(kept.any())


@TRANSFORMS.register_module()
class ClipRandomCrop(ClipCrop):
    """SSD's random crop with a least IoU, drawn once a clip.

    The ways to crop are taken in random order: no crop at all, one of ``min_ious``, or
    none required. For each, windows of random size and place with a ratio of height to
    width in [1/2, 2] are tried; the first that has that IoU with a target box of the
    key frame, and leaves the key frame a target, is taken; where none does, the clip
    stays whole. As in SSD's sampler one target has to reach the IoU, not all of them
    (mmdet's MinIoURandomCrop: all; with a handful of small objects it hardly ever
    crops). Both drop an object whose centre is outside; here its mask decides, so that
    no visible object becomes background.

    Args:
        min_ious (Sequence[float]): Least IoUs to choose from.
        min_crop_size (float): Least side of a window relative to the frame's, (0, 1].
        min_visible (float): See ClipCrop.
        attempts (int): See ClipCrop.
    """

    def __init__(
        self,
        min_ious: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9),
        min_crop_size: float = 0.3,
        min_visible: float = 0.2,
        attempts: int = 50,
    ) -> None:
        super().__init__(min_visible, attempts)
        if not 0 < min_crop_size <= 1:
            raise ValueError(f'min_crop_size must be in (0, 1], got {min_crop_size}.')
        self.min_ious = tuple(min_ious)
        self.min_crop_size = min_crop_size

    def choose_window(
        self, key: FrameInstances, height: int, width: int
    ) -> np.ndarray | None:
        modes = (None, *self.min_ious, 0.0)
        targets = key.boxes[~key.ignored]
        for mode in np.random.permutation(len(modes)):
            if modes[mode] is None:
                break
            windows = self._draw_windows(height, width)
            if len(targets):
                windows = windows[_iou(windows, targets).max(axis=1) >= modes[mode]]
            for window in windows:
                if self.keeps_a_target(key, window):
                    return window
        return None

    def _draw_windows(self, height: int, width: int) -> np.ndarray:
        """(m, 4) int windows of this clip's attempts that have a fair shape."""
        frame = np.array([width, height])
        least = np.maximum(1, np.round(self.min_crop_size * frame)).astype(int)
        sides = np.random.randint(least, frame + 1, size=(self.attempts, 2))
        start = np.random.randint(0, frame - sides + 1)
        ratio = sides[:, 1] / sides[:, 0]
        fair = (ratio >= 0.5) & (ratio <= 2)
        return np.concatenate([start, start + sides], axis=1)[fair]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(min_ious={self.min_ious}, '
            f'min_crop_size={self.min_crop_size}, min_visible={self.min_visible})'
        )


@TRANSFORMS.register_module()
class ClipFixedSizeCrop(ClipCrop):
    """A window of one size at a random place, drawn once a clip.

    A frame smaller than the window is left whole on that side (batches are padded by
    the data preprocessor). Places are tried until the key frame keeps a target; where
    no attempt does, the window is centred on one of its targets (which is ignored only
    if the window still shows less than ``min_visible`` of it).

    Args:
        crop_size (tuple[int, int]): (h, w) of the window in pixels.
        min_visible (float): See ClipCrop.
        attempts (int): See ClipCrop.
    """

    def __init__(
        self,
        crop_size: tuple[int, int],
        min_visible: float = 0.2,
        attempts: int = 10,
    ) -> None:
        super().__init__(min_visible, attempts)
        if min(crop_size) < 1:
            raise ValueError(f'crop_size must be positive, got {tuple(crop_size)}.')
        self.crop_size = tuple(crop_size)

    def choose_window(
        self, key: FrameInstances, height: int, width: int
    ) -> np.ndarray | None:
        sides = np.minimum(self.crop_size[::-1], (width, height))
        room = np.array([width, height]) - sides
        starts = np.random.randint(0, room + 1, size=(self.attempts, 2))
        windows = np.concatenate([starts, starts + sides], axis=1)
        for window in windows:
            if self.keeps_a_target(key, window):
                return window
        box = key.boxes[np.random.choice(np.flatnonzero(~key.ignored))]
        centre = (box[:2] + box[2:]) / 2
        start = np.clip(np.round(centre - sides / 2).astype(int), 0, room)
        return np.concatenate([start, start + sides])

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, '
            f'min_visible={self.min_visible})'
        )


def _iou(windows: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(m, n) IoU of (m, 4) windows and (n, 4) boxes."""
    low = np.maximum(windows[:, None, :2], boxes[None, :, :2])
    high = np.minimum(windows[:, None, 2:], boxes[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=2)
    union = box_areas(windows)[:, None] + box_areas(boxes)[None] - inter
    return inter / np.maximum(union, 1e-6)
