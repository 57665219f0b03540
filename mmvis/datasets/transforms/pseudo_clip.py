"""A clip from one image, for training on image sets such as COCO."""

import copy

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvis.registry import TRANSFORMS

from .clip import INSTANCE_KEYS, FrameInstances


@TRANSFORMS.register_module()
class PseudoClip(BaseTransform):
    """Key and reference frames from one image by random affine motions.

    The key frame is the image itself; each reference frame is the image moved by

    .. math:: A = T(c + t)\\,R(\\theta)\\,K(k_x, k_y)\\,S(s)\\,T(-c)

    about the image's centre c: scale s, shear k, rotation, translation t, each uniform
    in its range. Image and masks move by the same A (bilinear and nearest), boxes are
    the tight boxes of the moved masks, ids are the image's. An object that leaves a
    reference frame is dropped from that frame only; where less than ``min_visible`` of
    it remains it is ignored there. A motion that would leave a reference frame without
    a target is drawn again, and after ``attempts`` draws that frame does not move.

    Takes a list-valued clip of exactly one frame (BaseFrameSample, then loading).
    Sets ``key_frame_flags``, ``frame_id`` 0..T-1 (key first) and ``video_length``.

    Args:
        num_ref_imgs (int): Number of reference frames, at least 1.
        max_translate (float): Largest shift relative to the image's width and height.
        scale_range (tuple[float, float]): Least and largest scale.
        max_rotate (float): Largest rotation in degrees, either way.
        max_shear (float): Largest shear in degrees, either way.
        fill (Sequence[float]): Colour outside the image, in the channel order of the
            loaded image (BGR); by default ImageNet's mean.
        min_visible (float): See above, in [0, 1].
        attempts (int): See above.
    """

    def __init__(
        self,
        num_ref_imgs: int = 1,
        max_translate: float = 0.1,
        scale_range: tuple[float, float] = (0.8, 1.25),
        max_rotate: float = 15.0,
        max_shear: float = 5.0,
        fill: tuple[float, ...] = (103.53, 116.28, 123.675),
        min_visible: float = 0.2,
        attempts: int = 10,
    ) -> None:
        if num_ref_imgs < 1:
            raise ValueError(f'num_ref_imgs must be at least 1, got {num_ref_imgs}.')
        if not 0 < scale_range[0] <= scale_range[1]:
            raise ValueError(
                f'scale_range must be (least, largest) > 0, got {scale_range}.'
            )
        if not 0 <= min_visible <= 1:
            raise ValueError(f'min_visible must be in [0, 1], got {min_visible}.')
        self.num_ref_imgs = num_ref_imgs
        self.max_translate = max_translate
        self.scale_range = tuple(scale_range)
        self.max_rotate = max_rotate
        self.max_shear = max_shear
        self.fill = tuple(fill)
        self.min_visible = min_visible
        self.attempts = attempts

    def transform(self, results: dict) -> dict:
        """Make the clip.

        Raises:
            ValueError: ``results`` holds more than one frame.
        """
        num_given = len(results['img'])
        if num_given != 1:
            raise ValueError(
                f'PseudoClip makes a clip of one image and was given {num_given} '
                f'frames of video {results.get("video_id", ["?"])[0]}: use '
                'BaseFrameSample before it.'
            )
        length = 1 + self.num_ref_imgs
        results = {key: [value[0]] * length for key, value in results.items()}
        results['key_frame_flags'] = [True] + [False] * self.num_ref_imgs
        results['frame_id'] = list(range(length))
        results['video_length'] = [length] * length
        for frame in range(1, length):
            self._move(results, frame)
        return results

    def _move(self, results: dict, frame: int) -> None:
        """Move one frame, in place, by a motion that leaves it a target."""
        image = results['img'][frame]
        size = image.shape[:2]
        instances = FrameInstances(results, frame)
        still = {key: results[key][frame] for key in INSTANCE_KEYS if key in results}
        had_target = bool((~instances.ignored).any())
        for _ in range(self.attempts):
            matrix = self._draw_matrix(*size)
            targets = instances.replace(
                None
                if instances.masks is None
                else warp_masks(instances.masks, matrix),
                warp_boxes(instances.boxes, matrix),
                size,
                self.min_visible,
                area_scale=abs(np.linalg.det(matrix[:, :2])),
            )
            if targets or not had_target:
                results['img'][frame] = cv2.warpAffine(
                    image,
                    matrix,
                    size[::-1],
                    flags=cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_CONSTANT,
                    borderValue=self.fill,
                )
                return
            _put(results, frame, still)
        # Frames own their arrays: later transforms change boxes in place.
        results['img'][frame] = image.copy()
        _put(results, frame, copy.deepcopy(still))

    def _draw_matrix(self, height: int, width: int) -> np.ndarray:
        low, high = self.scale_range
        return affine_matrix(
            (height, width),
            translate=np.random.uniform(-1, 1, 2)
            * self.max_translate
            * np.array([width, height]),
            scale=float(np.exp(np.random.uniform(np.log(low), np.log(high)))),
            rotate=np.random.uniform(-self.max_rotate, self.max_rotate),
            shear=np.random.uniform(-self.max_shear, self.max_shear, 2),
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_ref_imgs={self.num_ref_imgs}, '
            f'max_translate={self.max_translate}, scale_range={self.scale_range}, '
            f'max_rotate={self.max_rotate}, max_shear={self.max_shear})'
        )


def _put(results: dict, frame: int, values: dict) -> None:
    for key, value in values.items():
        results[key][frame] = value


def affine_matrix(
    size: tuple[int, int],
    translate: np.ndarray,
    scale: float,
    rotate: float,
    shear: np.ndarray,
) -> np.ndarray:
    """The motion A of PseudoClip from pixel (x, y) of the image to the moved one.

    Args:
        size (tuple): (h, w) in pixels; pixel centres are at integer coordinates.
        translate (np.ndarray): (2,) shift in x and y, px.
        scale (float): Factor of both sides.
        rotate (float): Degrees, from the x axis towards the y axis.
        shear (np.ndarray): (2,) degrees, along x and along y.

    Returns:
        np.ndarray: (2, 3) float64.
    """
    angle = np.deg2rad(rotate)
    shear_x, shear_y = np.tan(np.deg2rad(shear))
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    linear = rotation @ np.array([[1, shear_x], [shear_y, 1]]) * scale
    centre = np.array([size[1] - 1, size[0] - 1]) / 2
    offset = centre + np.asarray(translate) - linear @ centre
    return np.concatenate([linear, offset[:, None]], axis=1)


def warp_masks(masks: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, h, w) masks moved by a (2, 3) matrix, nearest pixel, 0 outside.

    One index map serves all masks of the frame; for 8 masks this takes about as long as
    a cv2.warpAffine for each of them.
    """
    num, height, width = masks.shape
    linear = np.linalg.inv(matrix[:, :2])
    x, y = np.arange(width), np.arange(height)[:, None]
    x, y = x - matrix[0, 2], y - matrix[1, 2]
    source_x = np.rint(linear[0, 0] * x + linear[0, 1] * y).astype(np.int32)
    source_y = np.rint(linear[1, 0] * x + linear[1, 1] * y).astype(np.int32)
    inside = (source_x >= 0) & (source_x < width)
    inside &= (source_y >= 0) & (source_y < height)
    index = np.where(inside, source_y * width + source_x, 0)
    moved = np.take(masks.reshape(num, height * width), index.ravel(), axis=1)
    return moved.reshape(masks.shape) * inside.astype(masks.dtype)


def warp_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 4) xyxy boxes around the moved corners of (n, 4) boxes.

    Box sides lie between pixels: side x of a box is at pixel coordinate x - 1/2.
    """
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) - 0.5
    moved = corners @ matrix[:, :2].T + matrix[:, 2] + 0.5
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1).astype(
        np.float32
    )
