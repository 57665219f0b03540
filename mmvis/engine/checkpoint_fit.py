"""Whether weights are those of a model, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from .errors import CheckpointError

_SAID = 5


class WeightsMismatchError(CheckpointError):
    """Weights that can be read, but are of another model."""


def plain_state_dict(content: Mapping) -> dict[str, Tensor]:
    """The tensors of a state dict, or of what :func:`unified` has brought to one."""
    weights = content.get('state_dict', content)
    return {name: value for name, value in weights.items() if isinstance(value, Tensor)}


def check_fit(
    model: nn.Module, weights: Mapping[str, Tensor], source: str = 'The checkpoint'
) -> None:
    """Refuse weights that would leave some of the model's as initialised.

    Args:
        model (nn.Module): Not changed.
        weights (Mapping[str, Tensor]): Of :func:`plain_state_dict`.
        source (str): How the message names them.

    Raises:
        WeightsMismatchError: With the first names that are missing or of another shape,
            and the likely reason.
    """
    given = dict(weights)
    # A model may accept other names than its own: it renames them in these hooks.
    for hook in model._load_state_dict_pre_hooks.values():
        hook(given, '', {}, True, [], [], [])
    expected = {
        name: value
        for name, value in model.state_dict().items()
        if not name.endswith('num_batches_tracked')  # old files lack these counters
    }
    missing = [name for name in expected if name not in given]
    shapes = {
        name: (tuple(given[name].shape), tuple(value.shape))
        for name, value in expected.items()
        if name in given and given[name].shape != value.shape
    }
    if not missing and not shapes:
        return
    only_outputs = not missing and all(
        one[1:] == other[1:] for one, other in shapes.values()
    )
    if only_outputs and (counts := class_counts(model, shapes)):
        raise WeightsMismatchError(
            f'{source} has {counts[0]} classes, but the model of this config '
            f'has {counts[1]}. Use the config that it was trained with.'
        )
    wrong = [f'{name} is missing' for name in missing]
    wrong += [f'{name} is {one}, not {two}' for name, (one, two) in shapes.items()]
    more = f' and {len(wrong) - _SAID} more' if len(wrong) > _SAID else ''
    raise WeightsMismatchError(
        f'{source} is not of the model of this config: {"; ".join(wrong[:_SAID])}'
        f'{more}. {_likely_reason(given, expected, missing, only_outputs)} Use the '
        'config that it was trained with.'
    )


def _likely_reason(
    given: Mapping, expected: Mapping, missing: list[str], only_outputs: bool
) -> str:
    """What most probably happened, as a sentence."""
    if only_outputs:
        return 'Its number of classes may be another.'
    shared = len(expected) - len(missing)
    if given and all(name.startswith('backbone.') for name in given):
        return (
            'It has a backbone alone: a training can start from it, with '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=FILE)."
        )
    if not missing:
        return 'It is of the same kind, but of another depth or width.'
    weights = [name for name in given if not name.endswith('num_batches_tracked')]
    # Nearly all: backbone and neck alone may be those of any model without a detector.
    foreign = sum(f'detector.{name}' not in expected for name in weights)
    if foreign < len(weights) / 10:
        return 'It is of a detector alone, not of a video model.'
    if any(name.removeprefix('detector.') in expected for name in given) and not shared:
        return 'It is of a video model around a detector.'
    if any(name.startswith(('prediction_layers.', 'proto_net.')) for name in given):
        return (
            'Its names are those of the released STMask or Yolact++: convert it with '
            'tools/model_converters/stmask.py.'
        )
    if shared < len(expected) / 10:
        return 'It is of another model altogether.'
    parts = dict.fromkeys(name.split('.')[0] for name in missing)
    return (
        f'It has {shared} of {len(expected)} names, but lacks parts of '
        f'{", ".join(list(parts)[:4])}: it is of another model or a variant of this.'
    )


def class_counts(
    model: nn.Module, shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
) -> tuple[int, int] | None:
    """Numbers of classes of a checkpoint and of a model.

    Args:
        model (nn.Module): Its heads have ``num_classes``.
        shapes (Mapping[str, tuple]): By name, the checkpoint's and the model's shape of
            each tensor that differs.

    Returns:
        tuple[int, int] | None: None where no tensor has one row a class, be it with or
        without the background, or where two of them disagree.
    """
    numbers = (getattr(module, 'num_classes', None) for module in model.modules())
    heads = {number for number in numbers if isinstance(number, int)}
    counts = {
        (given[0] - background, own[0] - background)
        for given, own in shapes.values()
        for background in (0, 1)
        if given and own and own[0] - background in heads
    }
    return counts.pop() if len(counts) == 1 else None
