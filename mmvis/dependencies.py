"""Check at import that mmcv, mmengine and mmdet are there, in range, and compiled."""


def check_dependencies() -> None:
    """Raise ImportError with the command to run where a dependency does not fit."""
