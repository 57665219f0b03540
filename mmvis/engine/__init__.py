"""What mmengine lacks: a safe checkpoint loader and hooks."""

from . import checkpoint, hooks

__all__ = ['checkpoint', 'hooks']
