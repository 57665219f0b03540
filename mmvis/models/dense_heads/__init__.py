"""Heads that predict at every location of a feature map."""

from .released_stmask_head import ReleasedSTMaskHead
from .sg_net_head import SGNetHead
from .stmask_head import STMaskHead
from .stmask_outputs import STMaskOutputs

__all__ = ['ReleasedSTMaskHead', 'SGNetHead', 'STMaskHead', 'STMaskOutputs']
