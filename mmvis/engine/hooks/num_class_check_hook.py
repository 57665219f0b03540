"""Model and data have to agree on the number of classes, before anything is run."""

from types import SimpleNamespace

from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import HOOKS

with quiet_mmdet():
    from mmdet.engine.hooks import NumClassCheckHook as MMDetNumClassCheckHook


@HOOKS.register_module()
class NumClassCheckHook(MMDetNumClassCheckHook):
    """mmdet's check, for testing too, and of the validation set before training.

    mmdet's looks at a set when its epoch begins and never at the test set: heads of
    another number of classes then give labels of other categories without a word.

    Raises:
        ValueError: a head's num_classes is not the number of the set's classes.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training set, and the validation set before hours of training."""
        self._check(runner, runner.train_loop)
        if runner.val_loop is not None:
            self._check(runner, runner.val_loop)

    def before_val(self, runner: Runner) -> None:
        """Check the validation set."""
        self._check(runner, runner.val_loop)

    def before_test(self, runner: Runner) -> None:
        """Check the test set."""
        self._check(runner, runner.test_loop)

    def _check(self, runner: Runner, loop: BaseLoop) -> None:
        dataset = loop.dataloader.dataset
        # mmdet's check knows the train and the val set only: any set is shown as one.
        shown = SimpleNamespace(
            model=runner.model,
            logger=runner.logger,
            train_dataloader=SimpleNamespace(dataset=dataset),
        )
        try:
            self._check_head(shown, 'train')
        except AssertionError as error:
            meta = dataset.metainfo
            raise ValueError(
                f"'{meta.get('ann_file', type(dataset).__name__)}' has "
                f'{len(meta["classes"])} classes, the model is made for another '
                'number: set num_classes of its heads (and train it so), or metainfo='
                f'dict(classes=...) of the dataset. mmdet says: {error}.'
            ) from None
