"""A checkpoint that is tested has to be one of the model of the config."""

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmvis.engine.checkpoint import CheckpointError
from mmvis.registry import HOOKS


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse a checkpoint that leaves some of the model's weights as initialised.

    mmengine only logs weights that are missing or of another shape, and a test would
    go on to an AP of random weights. ``tools/test.py`` adds this hook; training may
    start from weights that fit in part.

    Raises:
        CheckpointError: with the first weights that do not fit.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare names and shapes, before the weights are copied."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        given = {
            name.removeprefix('module.'): value
            for name, value in checkpoint.get('state_dict', checkpoint).items()
        }
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
            raise CheckpointError(
                f'The checkpoint has {counts[0]} classes, but the model of this config '
                f'has {counts[1]}. Test it with the config that it was trained with.'
            )
        wrong = [f'{name} is missing' for name in missing]
        wrong += [f'{name} is {one}, not {two}' for name, (one, two) in shapes.items()]
        more = f' and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        reason = ' Its number of classes may be another.' if only_outputs else ''
        raise CheckpointError(
            'The checkpoint is not of the model of this config: '
            f'{"; ".join(wrong[:3])}{more}.{reason} Test it with the config that it '
            'was trained with.'
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
