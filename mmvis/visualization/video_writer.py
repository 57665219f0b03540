"""mp4 files that are there and play, whatever happens while they are written."""

import os
from types import TracebackType

import cv2
import numpy as np

from .video_encoders import Encoder, open_encoder


class Mp4Writer:
    """Writes BGR frames to an mp4, as a context manager.

    The codec is H.264 where PyAV is installed (``pip install mmvis[video]``). Else it
    is mp4v, by OpenCV, which browsers do not play.

    The file is opened at the first frame, whose size all others must have, and is
    finished when the block is left, by an exception too: the frames so far play. Odd
    sizes, which the codecs refuse, are padded by repeating the last row or column.

    Args:
        path (str): Ends in ``.mp4``; missing folders are made.
        fps (float): Frames a second, 0.01 to 1000.

    Raises:
        ValueError: Wrong suffix or fps.

    Examples:
        >>> with Mp4Writer('out.mp4', fps=10) as video:
        ...     for frame in frames:
        ...         video.write(frame)
    """

    def __init__(self, path: str | os.PathLike, fps: float = 10.0) -> None:
        self.path = os.fspath(path)
        if not self.path.lower().endswith('.mp4'):
            raise ValueError(f'{self.path}: the name of a video must end in .mp4.')
        # Beyond, the codec refuses it, and OpenCV never returns for infinity.
        if not 0.01 <= fps <= 1000:
            raise ValueError(f'{self.path}: fps must be from 0.01 to 1000, got {fps}.')
        self.fps = float(fps)
        self.num_frames = 0
        self._shape: tuple[int, ...] | None = None
        self._encoder: Encoder | None = None
        self._closed = False

    def write(self, frame: np.ndarray, time: float | None = None) -> None:
        """Append a frame.

        Args:
            frame (np.ndarray): (h, w, 3) uint8 BGR.
            time (float, optional): When it is shown, s. If the first frame has one, the
                rate is not even (where the codec is H.264); later frames may lack it.

        Raises:
            ValueError: The frame is no such array, has another size than the first one,
                or comes after :meth:`close`.
            OSError: The file cannot be opened, or the disk is full.
        """
        if self._closed:
            raise ValueError(f'{self.path} is closed: it takes no further frames.')
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(
                f'{self.path}: a frame must be (h, w, 3) uint8 BGR, got '
                f'{frame.dtype} of shape {tuple(frame.shape)}.'
            )
        if self._encoder is None or self._shape is None:
            self._encoder = self._opened(frame.shape, time is not None)
        elif frame.shape != self._shape:
            raise ValueError(
                f'{self.path}: frame {self.num_frames} is '
                f'{frame.shape[1]} x {frame.shape[0]} px (width x height), the frames '
                f'before it are {self._shape[1]} x {self._shape[0]}: an mp4 has one.'
            )
        pad_h, pad_w = frame.shape[0] % 2, frame.shape[1] % 2
        if pad_h or pad_w:
            frame = cv2.copyMakeBorder(frame, 0, pad_h, 0, pad_w, cv2.BORDER_REPLICATE)
        self._encoder.write(frame, time)
        self.num_frames += 1

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(width, height) px that frames must have; None before the first one."""
        return None if self._shape is None else (self._shape[1], self._shape[0])

    @property
    def codec(self) -> str | None:
        """'h264' or 'mp4v'; None before the first frame."""
        return None if self._encoder is None else self._encoder.codec

    def close(self) -> None:
        """Finish the file; a second call does nothing. No frame: no file.

        Raises:
            OSError: The disk is full.
        """
        if self._encoder is not None and not self._closed:
            self._closed = True
            self._encoder.close()
        self._closed = True

    def __enter__(self) -> 'Mp4Writer':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self, shape: tuple[int, ...], uneven: bool) -> Encoder:
        folder = os.path.dirname(os.path.abspath(self.path))
        os.makedirs(folder, exist_ok=True)
        size = (shape[1] + shape[1] % 2, shape[0] + shape[0] % 2)
        encoder = open_encoder(self.path, self.fps, size, uneven)
        self._shape = tuple(shape)
        return encoder
