"""A checkpoint is removed when a later one is whole, and not before."""

from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner import Runner

from mmvis.registry import HOOKS

from .random_state_hook import RandomStateHook


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """mmengine's, which removes the oldest checkpoint first: a run that was killed
    while it wrote its only one had none. For a moment there is one file more than
    ``max_keep_ckpts`` says.
    """

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: Any) -> None:
        gather_random_states(runner)
        outdated = None
        if self.max_keep_ckpts > 0 and step not in list(self.keep_ckpt_ids)[-1:]:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated = self.keep_ckpt_ids.popleft()
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        # With the step at the end of the list, mmengine's removes nothing.
        super()._save_checkpoint_with_step(runner, step, meta)
        if outdated is not None and is_main_process():
            path = self.file_backend.join_path(
                self.out_dir, self.filename_tmpl.format(outdated)
            )
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)


def gather_random_states(runner: Runner) -> None:
    """All ranks call this before rank 0 saves."""
    for hook in runner.hooks:
        if isinstance(hook, RandomStateHook):
            hook.gather()
