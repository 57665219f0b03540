"""Pictures as files that are whole or not there."""

import os
from pathlib import Path

import cv2
import numpy as np

from mmvis.structures.whole_file import write_whole


def write_picture(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write a picture; OpenCV's own way says nothing of a disk that is full.

    Args:
        path: Its suffix is a format of OpenCV's; missing folders are made.
        picture (np.ndarray): (h, w) or (h, w, 3) uint8 BGR.

    Raises:
        OSError: It cannot be written; the message is for the user.
    """
    written, data = cv2.imencode(Path(path).suffix, picture)
    if not written:
        raise OSError(f'{path} cannot be written: OpenCV does not encode it.')
    write_whole(path, data.tobytes())
