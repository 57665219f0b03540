"""One size for frames of several."""

import cv2
import numpy as np


def letterbox(
    image: np.ndarray, width: int, height: int, shade: int = 24
) -> np.ndarray:
    """Centre an image on a dark page, shrunk (never enlarged) when it is too large.

    Args:
        image (np.ndarray): (h, w, 3) uint8.
        width (int): Of the page, px.
        height (int): Of the page, px.
        shade (int): Grey value of the bars.

    Returns:
        np.ndarray: (height, width, 3) uint8; ``image`` itself when it has that size.
    """
    if image.shape[:2] == (height, width):
        return image
    if image.shape[0] > height or image.shape[1] > width:
        ratio = min(height / image.shape[0], width / image.shape[1])
        size = (
            max(1, int(image.shape[1] * ratio)),
            max(1, int(image.shape[0] * ratio)),
        )
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    page = np.full((height, width, 3), shade, np.uint8)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    page[top : top + image.shape[0], left : left + image.shape[1]] = image
    return page
