"""Heads that predict at every location of a feature map."""

from .stmask_head import ReleasedSTMaskHead, STMaskHead, STMaskOutputs

__all__ = ['ReleasedSTMaskHead', 'STMaskHead', 'STMaskOutputs']
