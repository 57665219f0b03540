"""One training a work dir, and the checkpoints in it that may be gone on from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CommandError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_training_in(work_dir: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the work dir; it is let go when the process ends, however it does.

    Raises:
        CommandError: Another training holds it, whose files would be overwritten.
    """
    path = Path(work_dir, '.training')
    try:
        file = path.open('a')
    except OSError as error:
        raise CommandError(
            f'The work dir {work_dir} cannot be written: {error.strerror}. Name '
            'another one with --work-dir.'
        ) from None
    with file:
        if fcntl is not None:
            try:
                # Data workers do not inherit it, as they would a flock.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise CommandError(
                    f'Another training is running in {work_dir}. Name another one with '
                    '--work-dir, or end that training first.'
                ) from None
            except OSError:
                pass  # a file system without locks
        # What a training that was killed was about to write.
        for part in Path(work_dir).glob('.*.pth.*.part'):
            part.unlink(missing_ok=True)
        yield


def resumable(work_dir: str | os.PathLike[str]) -> list[str]:
    """Checkpoints of a training, the one to go on from first.

    That is what ``last_checkpoint`` names, then the others from the latest on. The best
    ones (``best_*``) hold weights alone.
    """
    folders = {Path(work_dir)}
    found: list[Path] = []
    try:
        named = Path(work_dir, 'last_checkpoint').read_text().strip()
    except OSError:
        named = ''
    if named:
        # The work dir may have been moved since.
        places = [Path(named), Path(work_dir, Path(named).name)]
        found = [place for place in places if place.is_file()][:1] or [places[0]]
        folders.add(found[0].parent)
    others = [
        path
        for folder in folders
        for path in folder.glob('*.pth')
        if path.name.startswith(('iter_', 'epoch_', 'interrupted'))
        and path not in found
        and path.is_file()
    ]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [str(path) for path in [*found, *others]]
