"""A checkpoint that is tested has to be one of the model of the config."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

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
        wrong, only_outputs = [], True
        for name, value in model.state_dict().items():
            if name.endswith('num_batches_tracked'):  # old files lack these counters
                continue
            if name not in given:
                wrong.append(f'{name} is missing')
                only_outputs = False
            elif given[name].shape != value.shape:
                only_outputs &= given[name].shape[1:] == value.shape[1:]
                shapes = tuple(given[name].shape), tuple(value.shape)
                wrong.append(f'{name} is {shapes[0]}, not {shapes[1]}')
        if wrong:
            more = f' and {len(wrong) - 3} more' if len(wrong) > 3 else ''
            reason = ' Its number of classes may be another.' if only_outputs else ''
            raise CheckpointError(
                f'The checkpoint is not of the model of this config: '
                f'{"; ".join(wrong[:3])}{more}.{reason} Test it with the config that '
                'it was trained with.'
            )
