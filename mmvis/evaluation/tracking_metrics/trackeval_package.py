"""TrackEval, which is optional: its metrics, or a sentence that says how to get it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

# TrackEval 1.3.0 asks for a newer NumPy than OpenCV 4.12 takes, and works without.
HOW_TO_INSTALL = (
    'HOTA, IDF1 and MOTA are computed by TrackEval, which is not installed: '
    'pip install --no-deps trackeval tabulate (--no-deps, since it asks for a newer '
    'NumPy than it needs).'
)
# From which mask IoU on a pair counts, in all but HOTA, which takes 0.05 to 0.95.
MATCHED = 0.5


def has_trackeval() -> bool:
    """Whether the package is there, without importing it."""
    return find_spec('trackeval') is not None


def check_trackeval() -> None:
    """Refuse what needs TrackEval, where it is missing.

    Raises:
        ImportError: It is not installed; the message says what to type.
    """
    if not has_trackeval():
        raise ImportError(HOW_TO_INSTALL)


def load_metrics() -> dict[str, Any]:
    """TrackEval's metrics by name.

    Raises:
        ImportError: It is not installed, or lacks something itself.
    """
    check_trackeval()
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise ImportError(f'TrackEval cannot be imported: {error}.') from error
    quiet = {'THRESHOLD': MATCHED, 'PRINT_CONFIG': False}
    return {'HOTA': HOTA(), 'CLEAR': CLEAR(quiet), 'Identity': Identity(quiet)}
