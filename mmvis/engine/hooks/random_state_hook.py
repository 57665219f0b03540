"""Random draws go on after a stop as they would have without it."""

from typing import Any

from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.engine.random_states import random_states, set_random_states
from mmvis.registry import HOOKS

KEY = 'random_states'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep every rank's random states in checkpoints, and go on from them.

    What the training draws is then one sequence: what validation draws, and what
    opening a data loader does, is given back. The runner of mmvis has this hook
    without being told.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._gathered: list[dict] | None = None
        self._begin: dict[str, Any] | None = None
        self._before_val: dict[str, Any] | None = None
        self._loaded: dict[str, Any] | None = None

    def gather(self) -> None:
        """Collect the states of all ranks, all of which call this before one saves."""
        self._gathered = all_gather_object(random_states())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write them."""
        checkpoint[KEY] = self._gathered or [random_states()]
        self._gathered = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep this rank's until the first iteration."""
        states = checkpoint.get(KEY) or []
        if runner._resume and get_rank() < len(states):
            self._loaded = states[get_rank()]

    def before_train_epoch(self, runner: Runner) -> None:
        """What is drawn to open the data loader is given back."""
        self._begin = self._loaded or random_states()
        self._loaded = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Set them before the first iteration of an epoch, or after a stop."""
        if self._begin is not None:
            set_random_states(self._begin)
            self._begin = None

    def before_val(self, runner: Runner) -> None:
        """Remember what training goes on from."""
        self._before_val = random_states()

    def after_val(self, runner: Runner) -> None:
        """Go back to it."""
        if self._before_val is not None:
            set_random_states(self._before_val)
            self._before_val = None
