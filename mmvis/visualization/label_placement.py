"""Where labels go: beside their objects, inside the image, off the small ones."""

from collections.abc import Sequence

import cv2
import numpy as np

# A label may hide this much, summed over instances as fractions of their areas, before
# a shorter text is tried.
_HIDDEN_LIMIT = 0.25
# Positions are listed from the usual one on; a step down the list costs little, yet
# enough that labels do not jump between two equally good places from frame to frame.
_POSITION_COST = 0.01


class LabelPlacer:
    """Finds free places for the labels of one frame, one label after another.

    Args:
        top_instance (np.ndarray): (h, w) int, 0 = background, i + 1 = instance i.
        areas (np.ndarray): (n,) px of each instance. Each pixel of an instance weighs
            1 / area, so that hiding a small object costs more than hiding as many
            pixels of a large one.
    """

    def __init__(self, top_instance: np.ndarray, areas: np.ndarray) -> None:
        self.height, self.width = top_instance.shape
        weights = np.zeros(len(areas) + 1, dtype=np.float32)
        weights[1:] = 1.0 / np.maximum(areas, 1)
        self._hidden = cv2.integral(weights[top_instance], sdepth=cv2.CV_64F)
        self._taken = np.zeros((0, 4))

    def place(
        self, box: Sequence[float], sizes: Sequence[tuple[int, int]]
    ) -> tuple[int, int, int] | None:
        """Choose a text variant and a place for it, and take that place.

        Args:
            box (Sequence[float]): (4,) xyxy px of the object.
            sizes (Sequence[tuple[int, int]]): (height, width) px of the patches of the
                variants, the longest text first.

        Returns:
            tuple[int, int, int] | None: (variant, left, top), or None when not even the
            last variant fits the image.
        """
        best = None
        for variant, (height, width) in enumerate(sizes):
            if height > self.height or width > self.width:
                continue
            places = self._candidates(box, height, width)
            costs = self._costs(places)
            choice = int(costs.argmin())
            if best is None or costs[choice] < best[0]:
                best = (costs[choice], variant, places[choice])
            if best[0] <= _HIDDEN_LIMIT:
                break
        if best is None:
            return None
        _, variant, place = best
        self._taken = np.vstack([self._taken, place])
        return variant, int(place[0]), int(place[1])

    def _candidates(self, box: Sequence[float], height: int, width: int) -> np.ndarray:
        """(k, 4) xyxy places around ``box``, moved into the image."""
        x0, y0, x1, y1 = (int(v) for v in box)
        middle_x = (x0 + x1 - width) // 2
        middle_y = (y0 + y1 - height) // 2
        corners = np.array(
            [
                (x0, y0 - height - 1),  # above
                (x1 - width, y0 - height - 1),
                (x0, y1 + 1),  # below
                (x1 - width, y1 + 1),
                (x1 + 1, y0),  # right
                (x1 + 1, y1 - height),
                (x0 - width - 1, y0),  # left
                (x0 - width - 1, y1 - height),
                (x0, y0),  # on the object: for one that fills the image
                (middle_x, middle_y),
                (x0, y0 - 2 * height - 2),  # a line further away
                (x0, y1 + height + 2),
            ]
        )
        corners[:, 0] = corners[:, 0].clip(0, self.width - width)
        corners[:, 1] = corners[:, 1].clip(0, self.height - height)
        return np.hstack([corners, corners + np.array([width, height])])

    def _costs(self, places: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = places.T
        total = self._hidden
        hidden = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
        starts = np.maximum(places[:, None, :2], self._taken[None, :, :2])
        ends = np.minimum(places[:, None, 2:], self._taken[None, :, 2:])
        shared = (ends - starts).clip(0).prod(-1).sum(1)
        covered = shared / ((x1 - x0) * (y1 - y0))
        return hidden + 2.0 * covered + _POSITION_COST * np.arange(len(places))
