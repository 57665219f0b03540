"""Errors of the machine, and not of a program: a full disk, memory that is used up."""

from __future__ import annotations

import errno
import re

_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OF_FILES = _OF_SPACE | {
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EIO,
    errno.ENAMETOOLONG,
    errno.EMFILE,
}
_WORKER = re.compile(
    r'DataLoader worker \(pid\(?s?\)?:? ?[\d, ]+\) (is killed by signal: \w+|exited)'
)
_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.I)


def machine_fault(error: BaseException) -> str | None:
    """A sentence on an error that no program is to blame for.

    Returns:
        str | None: None where it is no such error.
    """
    if isinstance(error, OSError) and error.errno in _OF_FILES:
        place = f"'{error.filename}'" if error.filename else 'A file'
        said = f'{place} cannot be read or written: {error.strerror}.'
        if error.errno in _OF_SPACE:
            said += ' Checkpoints are whole: a training goes on from them by --resume.'
        return said
    text = str(error)
    if isinstance(error, RuntimeError) and (killed := _WORKER.search(text)):
        return (
            f'A process that reads data was lost ({killed[0]}). Usually memory, or '
            'shared memory (/dev/shm), was used up: take fewer workers '
            '(train_dataloader.num_workers). --resume goes on from the last checkpoint.'
        )
    if is_out_of_memory(error):
        first = text.strip().splitlines()[0][:200] if text.strip() else 'out of memory'
        return (
            f'Memory is used up ({first}). Take a smaller batch (batch_size) or '
            'smaller frames, or accumulate gradients (accumulative_counts).'
        )
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a device or on the host."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error)))
