"""``init_cfg=dict(type='Pretrained', checkpoint=...)`` that says when nothing fits."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.runner.checkpoint import CheckpointLoader, load_state_dict
from torch import nn

from mmvis.registry import WEIGHT_INITIALIZERS

from .checkpoint_fit import plain_state_dict
from .errors import CheckpointError


@WEIGHT_INITIALIZERS.register_module()
class Pretrained(PretrainedInit):
    """mmengine's, which logs what does not fit and would train from scratch.

    A file whose names all begin with ``backbone.``, a detector's or one cut out of it,
    fits a backbone without ``prefix``.

    Raises:
        CheckpointError: No weight of the file is one of the module.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the weights into ``module``."""
        content = CheckpointLoader.load_checkpoint(
            self.checkpoint, map_location=self.map_location, logger='current'
        )
        weights = plain_state_dict(content)
        prefix = self.prefix
        if prefix is None and not _shared(module, weights):
            prefix = 'backbone.'
        elif prefix is not None:
            prefix = prefix.rstrip('.') + '.'
        if prefix is not None:
            weights = {
                name.removeprefix(prefix): value
                for name, value in weights.items()
                if name.startswith(prefix)
            } or weights
        # A module may take other names than its own.
        if not _shared(module, weights) and not module._load_state_dict_pre_hooks:
            raise CheckpointError(
                f'{self.checkpoint} has no weight of this {type(module).__name__}: '
                f'that has {_first(module.state_dict())}, the file '
                f'{_first(plain_state_dict(content))}. Set prefix in its init_cfg to '
                'what the names of the file begin with.',
                source=self.checkpoint,
            )
        part = '' if prefix is None else f' (names that begin with {prefix})'
        print_log(f'Initialised by {self.checkpoint}{part}.', logger='current')
        load_state_dict(module, weights, strict=False, logger='current')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())


def _shared(module: nn.Module, weights: Mapping) -> bool:
    return any(name in weights for name in module.state_dict())


def _first(weights: Mapping) -> str:
    return ', '.join(list(weights)[:2]) + (', ...' if len(weights) > 2 else '')
