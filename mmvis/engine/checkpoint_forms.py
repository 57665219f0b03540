"""The forms in which people keep weights, brought to the one that mmengine reads.

Trainers wrap models (``module.`` of DistributedDataParallel, ``_orig_mod.`` of
``torch.compile``) and put their weights beside other things under names of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from .errors import CheckpointError

# Where weights stand in a file, the first that is there; and their running averages.
PLACES = ('state_dict', 'model_state_dict', 'model')
AVERAGED = ('ema_state_dict', 'state_dict_ema', 'model_ema', 'ema_model', 'ema')
# Names said of those that are wrong.
_SAID = 3


def unified(content: Any, source: str, averaged: bool = False) -> Mapping:
    """A checkpoint as mmengine knows it.

    Args:
        content: What a file holds.
        source: How messages name it.
        averaged: Take the running averages (EMA) where a file has both.

    Returns:
        Mapping: A state dict; or, where there is more, a dict with ``state_dict`` and
        with what else an mmengine runner wrote (of other files: with their ``meta``).

    Raises:
        CheckpointError: There are no weights in it, or some are NaN or infinite.
    """
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f'{source} holds no weights by name, but a {type(content).__name__}. Save '
            'the state dict of a model: torch.save(model.state_dict(), FILE).'
        )
    place = _place(content, averaged)
    weights = without_wrappers(content if place is None else content[place], source)
    if not any(isinstance(value, Tensor) for value in weights.values()):
        entries = ', '.join(map(str, list(content)[:8])) or 'nothing'
        raise CheckpointError(
            f'{source} holds no weights that are known to be such: it has {entries}. '
            f'They are looked for under {", ".join(PLACES)}, or by their names alone.'
        )
    refuse_non_finite(weights, source)
    if place is None:
        return weights
    note = _which_averages(content, place, source)
    if note:
        print_log(note, logger='current')
    if _is_of_mmengine(content) and place == 'state_dict':
        # mmengine knows the averages by their 'module.'.
        return dict(content, state_dict=weights)
    meta = content.get('meta')
    return dict(state_dict=weights, meta=meta if isinstance(meta, Mapping) else {})


def without_wrappers(weights: Mapping, source: str) -> Mapping:
    """Weights under the names that their model gives them.

    ``_orig_mod.`` is taken out wherever it stands, since parts are compiled too, and
    ``module.`` where a name begins with it.

    Raises:
        CheckpointError: Two tensors have the same name then.
    """

    def rename(name: str) -> str:
        return name.replace('_orig_mod.', '').removeprefix('module.')

    names = [str(name) for name in weights]
    if all(rename(name) == name for name in names):
        return weights
    # AveragedModel counts beside its module.
    counters = ('steps', 'n_averaged')
    wrapped = any(name.startswith('module.') for name in names)
    renamed = OrderedDict()
    for name, value in weights.items():
        if wrapped and name in counters:
            continue
        if rename(name) in renamed:
            raise CheckpointError(f'{source} has two tensors for {rename(name)}.')
        renamed[rename(name)] = value
    # Versions of layers, by the name of their module.
    metadata = getattr(weights, '_metadata', None) or {}
    vars(renamed)['_metadata'] = OrderedDict(
        (rename(f'{name}.').removesuffix('.'), value)
        for name, value in metadata.items()
    )
    return renamed


def _place(content: Mapping, averaged: bool) -> str | None:
    """The entry of the weights; None where the content is a state dict itself."""
    if averaged and _is_of_mmengine(content):
        averaged = False  # It keeps the averages as the state dict.
    order = (*AVERAGED, *PLACES) if averaged else (*PLACES, *AVERAGED)
    for place in order:
        if isinstance(content.get(place), Mapping):
            return place
    return None


def _is_of_mmengine(content: Mapping) -> bool:
    meta = content.get('meta')
    known = isinstance(meta, Mapping) and 'mmengine_version' in meta
    return 'state_dict' in content and (known or 'message_hub' in content)


def _which_averages(content: Mapping, place: str, source: str) -> str | None:
    """A sentence on averaged weights, where a file has such."""
    if _is_of_mmengine(content):
        if 'ema_state_dict' not in content:
            return None
        # mmengine's EMAHook swaps the two when it saves, and again when it resumes.
        return (
            f'{source} has averaged (EMA) weights as its state_dict: these are used. '
            'Only a training that is resumed with EMAHook goes on with both.'
        )
    if place in AVERAGED:
        return f'{source}: its averaged (EMA) weights are used, under {place}.'
    there = [name for name in AVERAGED if isinstance(content.get(name), Mapping)]
    if there:
        return (
            f'{source}: the weights under {place} are used, not the averaged (EMA) '
            f'ones under {there[0]}. For these, convert it with '
            'tools/model_converters/weights.py --ema.'
        )
    return None


def refuse_non_finite(weights: Mapping, source: str) -> None:
    """Raise a CheckpointError where a weight is NaN or infinite."""
    bad = list(non_finite(weights))
    if bad:
        more = f' and {len(bad) - _SAID} more' if len(bad) > _SAID else ''
        raise CheckpointError(
            f'{source} has NaN or infinite weights in {len(bad)} of {len(weights)} '
            f'tensors: {", ".join(bad[:_SAID])}{more}. A model with these finds '
            'nothing: take an earlier checkpoint of that training.'
        )


def non_finite(weights: Mapping) -> Iterator[str]:
    """Names of the tensors that hold NaN or infinity."""
    for name, value in weights.items():
        if not isinstance(value, Tensor) or value.is_meta:
            continue
        if not (value.is_floating_point() or value.is_complex()):
            continue
        # The eight-bit kinds know no isfinite.
        value = value.float() if value.element_size() == 1 else value
        if not torch.isfinite(value).all():
            yield str(name)
