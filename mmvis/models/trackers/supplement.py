"""Tracks that are reported though no detection got them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Supplement:
    """Which tracks without a detection are reported all the same (eq. 17).

    Args:
        num_frames (int): At most this many frames after the latest detection.
        score_decay (float): A track's score is that of its latest detection times this
            to the power of the frames since then.
        min_mask_area (int): Least number of mask elements above 0.5.
        min_score (float): The decayed score must exceed this.
    """

    num_frames: int = 10
    score_decay: float = 0.95
    min_mask_area: int = 2
    min_score: float = 0.05


def refuse_supplement(tracker: Any, model: str) -> None:
    """Refuse a tracker that supplements tracks, for a model that leaves masks behind.

    Args:
        tracker: Any tracker.
        model (str): Name of the model's class.

    Raises:
        ValueError: It has a :class:`Supplement`.
    """
    if getattr(tracker, 'supplement', None) is not None:
        raise ValueError(
            f'{model} does not move masks on to the next frame, so its tracker cannot '
            'supplement tracks: leave model.tracker.supplement out.'
        )
