"""A checkpoint that is tested has to be one of the model of the config."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvis.engine.checkpoint_fit import check_fit, plain_state_dict
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
        source = str(getattr(runner, '_load_from', None) or 'The checkpoint')
        check_fit(model, plain_state_dict(checkpoint), source)
