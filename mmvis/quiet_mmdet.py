"""Importing mmdet's data sets and metrics without what they say of other packages."""

import contextlib
import io
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_mmdet() -> Iterator[None]:
    """Leave out that mmdet misses packages which none of ours needs; the rest is said.

    Who imports ``mmvis.registry`` before hears first whether mmdet works at all.
    """
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        warnings.filterwarnings('ignore', message='faster_coco_eval')
        yield
    for line in said.getvalue().splitlines():
        if 'Could not import OneDL' not in line:
            print(line)
