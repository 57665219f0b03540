"""Reads mp4s back."""

from pathlib import Path

import cv2
import numpy as np


def read_video(path: str | Path) -> tuple[list[np.ndarray], float]:
    """All frames (h, w, 3) uint8 BGR, and frames a second."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            return frames, capture.get(cv2.CAP_PROP_FPS)
        frames.append(frame)
