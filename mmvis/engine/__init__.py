"""What mmengine lacks: a safe checkpoint loader and hooks."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from . import checkpoint, hooks
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = ['checkpoint', 'hooks']
