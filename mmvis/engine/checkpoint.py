"""The one way in which mmvis reads a checkpoint: weights only, never code.

A ``.pth`` file is a pickle, and unpickling runs what the file says. mmengine 0.10.7
calls ``torch.load`` with torch's default, later releases fall back to an unrestricted
load when the restricted one fails. Importing this file, as ``mmvis.registry`` does,
replaces every scheme of mmengine's ``CheckpointLoader``, through which ``load_from``,
``resume``, ``mim test`` and ``init_cfg=dict(type='Pretrained')`` all pass, with the
loaders of this file. They use ``weights_only=True`` plus the few types that mmengine's
own runner stores, and refuse everything else with a sentence; what they have read is
brought to one form (``checkpoint_forms``).
"""

import io
import os
import os.path as osp
import pickle
import re
from collections.abc import Callable, Mapping
from typing import IO, Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, get_dist_info
from mmengine.fileio import get_file_backend
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from .checkpoint_files import find_checkpoint
from .checkpoint_forms import unified
from .errors import CheckpointError, DownloadError
from .safetensors_files import is_safetensors, read_safetensors

__all__ = ['CheckpointError', 'DownloadError', 'load_checkpoint_file']

_PLAIN = (
    'Ask whoever made it for plain weights: saved with torch.save(model.state_dict(), '
    'FILE), or as safetensors.'
)


class _RefusedNameError(CheckpointError):
    """The message is what a file asks for."""


def _history_statistic(owner: Any, name: str) -> Callable:
    """Stand in for ``getattr`` in a checkpoint.

    A pickled ``HistoryBuffer`` names its methods as ``getattr(HistoryBuffer, 'mean')``.
    The real ``getattr`` would let a file walk from any allowed class to anything.
    """
    if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
        return getattr(HistoryBuffer, name)
    raise _RefusedNameError(f'getattr({owner!r}, {name!r})')


def _allowed_globals() -> list:
    """What a runner checkpoint holds besides tensors and plain containers.

    numpy moved ``numpy.core`` to ``numpy._core`` in 2.0, and a file written under one
    must load under the other: both names are given for the same function.
    """
    core = np._core if hasattr(np, '_core') else np.core
    multiarray = core.multiarray
    allowed: list = [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        (_history_statistic, 'builtins.getattr'),
    ]
    for package in ('numpy.core', 'numpy._core'):
        allowed.append((multiarray.scalar, f'{package}.multiarray.scalar'))
        allowed.append((multiarray._reconstruct, f'{package}.multiarray._reconstruct'))
    # Booleans, integers, floats, complex numbers and strings; no object arrays.
    allowed += {type(np.dtype(code)) for code in '?bBhHiIlLqQefdgFDGSU'}
    return allowed


def _refused_global(error: BaseException) -> str | None:
    """The name that torch's restricted unpickler stopped at, if it was one."""
    text = str(error)
    for pattern in (
        r'GLOBAL (\S+)',
        r'unrecognized function (.+?)(?: which belongs|$)',
        r'but got (<class .+?>)',
    ):
        match = re.search(pattern, text, flags=re.MULTILINE)
        if match:
            return match.group(1)
    return None


def load_checkpoint_file(
    file: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    source: str | None = None,
) -> Any:
    """Read a checkpoint without running anything that it contains.

    Args:
        file: path or binary file object.
        map_location: as in :func:`torch.load`.
        source: how messages name the file (default: its path).

    Returns:
        What was saved: a state dict, or a dict with ``state_dict``, ``optimizer``, ...

    Raises:
        CheckpointError: the file is damaged, is no checkpoint, or holds an object
            that is neither a tensor, a plain container nor one of the runner's types.
    """
    source = str(source or file)
    try:
        if is_safetensors(file):
            return read_safetensors(file, map_location, source)
        with torch.serialization.safe_globals(_allowed_globals()):
            return torch.load(file, map_location=map_location, weights_only=True)
    except _RefusedNameError as error:
        refused: str | None = str(error)
        cause: Exception = error
    except CheckpointError:
        raise
    except Exception as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        refused, cause = _refused_global(error), error
    if refused is None:
        raise CheckpointError(
            f'{source} is damaged or is not a PyTorch checkpoint{_reason(cause)}.'
        ) from cause
    raise CheckpointError(
        f'{source} was not loaded: it contains {refused}, and reading such objects '
        f'could run any code. {_PLAIN}'
    ) from cause


def _reason(error: Exception) -> str:
    """What torch said in one line, unless it is the advice to read a file unsafely."""
    lines = str(error).strip().splitlines()
    if not lines or isinstance(error, pickle.UnpicklingError):
        return ''
    return f' ({type(error).__name__}: {lines[0][:200]})'


def load_weights(
    file: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    source: str | None = None,
) -> Mapping:
    """:func:`load_checkpoint_file` of weights, in the form that mmengine knows.

    Raises:
        CheckpointError: as there; or there are no weights in it, or some are NaN.
    """
    source = str(source or file)
    return unified(load_checkpoint_file(file, map_location, source), source)


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a local file."""
    return load_weights(find_checkpoint(filename), map_location)


def _download(url: str) -> str:
    """Fetch ``url`` into torch's checkpoint cache once; return the path of the copy."""
    folder = osp.join(torch.hub.get_dir(), 'checkpoints')
    path = osp.join(folder, osp.basename(urlparse(url).path))
    if not osp.isfile(path):
        os.makedirs(folder, exist_ok=True)
        torch.hub.download_url_to_file(url, path, progress=get_dist_info()[0] == 0)
    return path


def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Download a file, on rank 0 first, and read it."""
    rank, world_size = get_dist_info()
    failure: list[str | None] = [None]
    if rank == 0:
        try:
            _download(filename)
        except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors
            failure[0] = f'{type(error).__name__}: {error}'
    if world_size > 1:
        # A plain barrier would leave the others waiting when rank 0 fails.
        broadcast_object_list(failure, src=0)
    if failure[0] is not None:
        raise DownloadError(
            f'The weights {filename} cannot be downloaded ({failure[0]}). Fetch the '
            'file where there is a connection and name the copy: --cfg-options '
            'KEY=<local file>, where KEY is the entry of the config with this address, '
            'such as model.backbone.init_cfg.checkpoint.',
            failure[0],
            source=filename,
        )
    return load_weights(_download(filename), map_location, source=filename)


def load_from_ceph(filename: str, map_location: Any = None) -> Any:
    """Read an object of s3:// or petrel:// storage through mmengine's file backend."""
    backend = get_file_backend(filename, backend_args={'backend': 'petrel'})
    with io.BytesIO(backend.get(filename)) as buffer:
        return load_weights(buffer, map_location, source=filename)


def load_from_openmmlab(filename: str, map_location: Any = None) -> Any:
    """Resolve open-mmlab://<name> with mmengine's table and read that file."""
    name = filename.split('://', 1)[1]
    deprecated = mmengine_checkpoint.get_deprecated_model_names()
    known = mmengine_checkpoint.get_external_models()
    target = known.get(deprecated.get(name, name))
    if target is None:
        raise CheckpointError(f'mmengine knows no weights named {filename}.')
    if target.startswith(('http://', 'https://')):
        return load_from_http(target, map_location)
    home = mmengine_checkpoint._get_mmengine_home()
    return load_from_local(osp.join(home, target), map_location)


def load_from_refused(filename: str, map_location: Any = None) -> Any:
    """Schemes that need torchvision or a private client."""
    raise CheckpointError(
        f'{filename} needs torchvision or a private client, which mmvis does without: '
        "name the weights' address or a local file instead, with --cfg-options "
        'KEY=<URL or local file>, where KEY is the entry of the config that says so, '
        'such as model.backbone.init_cfg.checkpoint.',
        source=filename,
    )


def register_checkpoint_loaders() -> None:
    """Take over every scheme of mmengine's CheckpointLoader, known or not."""
    ours = {
        '': load_from_local,
        'http://': load_from_http,
        'https://': load_from_http,
        r'(\S+\:)?s3://': load_from_ceph,
        r'(\S+\:)?petrel://': load_from_ceph,
        'open-mmlab://': load_from_openmmlab,
        'openmmlab://': load_from_openmmlab,
    }
    for prefix in {*CheckpointLoader._schemes, *ours}:
        loader = ours.get(prefix, load_from_refused)
        CheckpointLoader.register_scheme(prefix, loader, force=True)


register_checkpoint_loaders()
