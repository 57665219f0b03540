"""Whether a checkpoint is there: asked before what reads it is imported."""

import os
import os.path as osp

from .errors import CheckpointError


def find_checkpoint(name: str | os.PathLike) -> str:
    """The path of a local checkpoint.

    Raises:
        CheckpointError: there is none, or it is a folder.
    """
    path = osp.expanduser(os.fspath(name))
    if osp.isdir(path):
        raise CheckpointError(f'{path} is a folder, not a checkpoint file.')
    if not osp.isfile(path):
        raise CheckpointError(
            f'The checkpoint {path} does not exist (looked for it from {os.getcwd()}).'
        )
    return path


def is_address(name: str) -> bool:
    """Whether a checkpoint is fetched from elsewhere, and so cannot be looked for."""
    return '://' in name
