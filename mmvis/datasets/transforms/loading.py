"""Loading of frames, with errors that name frame and video."""

import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio

from mmvis.datasets.frame_files import (
    DamagedFrameError,
    MissingFrameError,
    OtherSizeError,
    image_damage,
)
from mmvis.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadVISFrame(LoadImageFromFile):
    """mmcv's LoadImageFromFile that refuses what is not the frame of its annotation.

    A missing, empty, truncated or undecodable file and a frame of another size than the
    video's record are errors that name file and video: a mask is never laid on a
    picture that it does not belong to. Frames have three channels, grey ones too.
    The checks cost some hundredths of the decoding.

    Takes LoadImageFromFile's arguments, but ``ignore_empty`` has no effect.
    """

    def transform(self, results: dict) -> dict:
        """Load one frame.

        Args:
            results: with ``img_path``; where ``height``, ``width`` and ``video_id`` are
                given, they are checked and named in errors.

        Returns:
            ``results`` with ``img`` (h, w, 3), BGR, uint8 or float32 (``to_float32``),
            ``img_shape`` and ``ori_shape`` (h, w).

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no whole image, or of another size than the video's.
        """
        path = results['img_path']
        try:
            data = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError:
            raise MissingFrameError(
                f'{_name(results)} does not exist: check data_root and '
                "data_prefix['img_path'] of the dataset."
            ) from None
        damage = image_damage(data)
        image = self._decode(data) if damage is None else None
        if image is None:
            damage = damage or 'cannot be decoded'
            raise DamagedFrameError(f'{_name(results)} {damage}. Replace the file.')
        self._check_size(results, image)
        if self.to_float32:
            image = image.astype(np.float32)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _decode(self, data: bytes) -> np.ndarray | None:
        try:
            image = mmcv.imfrombytes(
                data, flag=self.color_type, backend=self.imdecode_backend
            )
        except Exception:  # each backend raises errors of its own kind
            return None
        if image is not None and (image.ndim == 2 or image.shape[2] == 1):
            image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
        return image

    @staticmethod
    def _check_size(results: dict, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        stated = (results.get('height', height), results.get('width', width))
        if stated != (height, width):
            raise OtherSizeError(
                f'{_name(results)} is {width}x{height} (width x height), the '
                f'annotation file says {stated[1]}x{stated[0]}: its masks do not fit.'
            )


def _name(results: dict) -> str:
    frame = f'Frame {results["frame_id"]}' if 'frame_id' in results else 'A frame'
    video = f' of video {results["video_id"]!r}' if 'video_id' in results else ''
    return f"{frame}{video}, '{results['img_path']}',"
