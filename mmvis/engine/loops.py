"""mmengine's training loops, which go on after a stop where they were, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dist import get_world_size
from mmengine.runner import EpochBasedTrainLoop as MMEngineEpochBasedTrainLoop
from mmengine.runner import IterBasedTrainLoop as MMEngineIterBasedTrainLoop
from torch.utils.data import DataLoader

from mmvis.registry import LOOPS

PROGRESS = 'progress'


class Progress:
    """Counts the samples that all ranks have drawn, together.

    A training may be resumed with another number of ranks, or another batch size: the
    iterations tell no longer where in the data it was.

    Attributes:
        drawn (int): Since training began.
        in_epoch (int): Since the epoch began.
    """

    def __init__(self, dataloader: DataLoader) -> None:
        self.drawn = self.in_epoch = 0
        batch = dataloader.batch_size or getattr(
            dataloader.batch_sampler, 'batch_size', None
        )
        self.samples = batch and batch * get_world_size()

    def count(self) -> None:
        """One more batch of each rank."""
        self.drawn += self.samples or 0
        self.in_epoch += self.samples or 0

    def state_dict(self) -> dict[str, int]:
        """For the checkpoint."""
        return dict(drawn=self.drawn, in_epoch=self.in_epoch)

    def load(self, state: dict | None, iterations: int, in_epoch: int) -> None:
        """Of a checkpoint; other runners' have iterations only."""
        samples = self.samples or 0
        state = state or dict(drawn=iterations * samples, in_epoch=in_epoch * samples)
        self.drawn, self.in_epoch = state['drawn'], state['in_epoch']


def sampler_of(dataloader: DataLoader) -> Any:
    """The sampler that can skip; None where there is none."""
    inner = getattr(dataloader.batch_sampler, 'sampler', None)
    for sampler in (dataloader.sampler, inner):
        if hasattr(sampler, 'skip'):
            return sampler
    return None


@LOOPS.register_module()
class EpochBasedTrainLoop(MMEngineEpochBasedTrainLoop):
    """mmengine's, which begins an epoch anew that was stopped in its middle."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.progress = Progress(self.dataloader)

    def run_epoch(self) -> None:
        """Run what is left of the epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done, sampler = self.progress.in_epoch, sampler_of(self.dataloader)
        if done and sampler is not None:
            # After the hook that sets the sampler's epoch.
            sampler.skip(done // get_world_size())
        elif done:
            self.progress.in_epoch = done = 0
        first = done // (self.progress.samples or 1)
        for index, batch in enumerate(self.dataloader, first):
            self.run_iter(index, batch)
        self.progress.in_epoch = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Count, and run an iteration."""
        self.progress.count()
        super().run_iter(idx, data_batch)


class Batches:
    """Batches without end; of a finite loader, one epoch after the other.

    Nothing is opened, and no worker starts, before the first batch is asked for.

    Args:
        dataloader (DataLoader): See above.
    """

    def __init__(self, dataloader: DataLoader) -> None:
        self._dataloader = dataloader
        self._iterator: Iterator | None = None
        self._epoch = 0
        self._pretended = 0
        self._done: tuple[Progress, int] | None = None

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Any:
        if self._pretended:  # mmengine 0.10.7 asks for what it then throws away
            self._pretended -= 1
            return None
        if self._iterator is None:
            self._iterator = self._open()
        try:
            return next(self._iterator)
        except StopIteration:
            self._set_epoch(self._epoch + 1)
            self._iterator = iter(self._dataloader)
            return next(self._iterator)

    def skip_iter(self, num_iters: int) -> None:
        """mmengine 0.10.12 asks for it; :meth:`skip` was called already."""

    def skip(self, progress: Progress, iterations: int, pretend: bool) -> None:
        """Begin where a training is that has run ``iterations``."""
        self._done = progress, iterations
        self._pretended = iterations if pretend else 0

    def _open(self) -> Iterator:
        """Open the loader; hooks have set the sampler's epoch by now."""
        sampler = sampler_of(self._dataloader)
        progress, iterations = self._done or (None, 0)
        if progress is None:
            return iter(self._dataloader)
        if sampler is None:  # it can only be read and thrown away
            opened = iter(self._dataloader)
            for _ in range(iterations):
                if next(opened, None) is None:
                    self._set_epoch(self._epoch + 1)
                    opened = iter(self._dataloader)
                    next(opened)
            return opened
        if 'Infinite' in type(sampler).__name__:
            sampler.skip(progress.drawn // get_world_size())
        else:
            length = len(self._dataloader)
            self._set_epoch(iterations // length)
            sampler.skip(iterations % length * (self._dataloader.batch_size or 1))
        return iter(self._dataloader)

    def _set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        inner = getattr(self._dataloader.batch_sampler, 'sampler', None)
        for sampler in (self._dataloader.sampler, inner):
            if sampler is not None and hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(epoch)
                return


@LOOPS.register_module()
class IterBasedTrainLoop(MMEngineIterBasedTrainLoop):
    """mmengine's; what a resumed training has drawn before is skipped in no time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.progress = Progress(self.dataloader)
        # mmengine 0.10.12's, or else 0.10.7's, which has opened the loader by now.
        self._asks_to_skip = hasattr(vars(self)['dataloader_iterator'], 'skip_iter')
        self.dataloader.__dict__['_iterator'] = None
        self.dataloader_iterator: Batches = Batches(self.dataloader)

    def run(self) -> Any:
        """Train."""
        if self._iter > 0:
            pretend = not self._asks_to_skip
            self.dataloader_iterator.skip(self.progress, self._iter, pretend)
        return super().run()

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        """Count, and run an iteration."""
        self.progress.count()
        super().run_iter(data_batch)
