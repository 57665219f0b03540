"""Pairs of detections and tracks of the highest sum of values."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

# Less than any value of a pair that is allowed.
NEVER = -1e9


def assign(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pairs, of those above NEVER, of the highest sum.

    Args:
        values (np.ndarray): (n, m) float64.

    Returns:
        tuple: (k,) and (k,) int64, none of them twice.
    """
    # Nothing is lost by leaving a pair out, so values must not be negative here.
    lowest = values[values > NEVER].min(initial=0.0)
    gain = np.where(values > NEVER, values - lowest + 1e-6, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    kept = gain[rows, columns] > 0
    return rows[kept], columns[kept]
