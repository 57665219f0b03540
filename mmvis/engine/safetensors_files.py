"""Weights in the safetensors form: names, shapes and bytes, and no code by design."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from .errors import CheckpointError

_INSTALL = 'Run: pip install safetensors'


def is_safetensors(file: str | os.PathLike[str] | IO[bytes]) -> bool:
    """Whether a file begins as one of this form does: a length, and a json."""
    if isinstance(file, str | os.PathLike):
        with open(file, 'rb') as opened:
            return is_safetensors(opened)
    start = file.read(9)
    file.seek(-len(start), os.SEEK_CUR)
    return start[8:] == b'{'


def read_safetensors(
    file: str | os.PathLike[str] | IO[bytes], device: Any, source: str
) -> dict[str, Any]:
    """Read a file.

    Args:
        file: Path or binary file object.
        device: Where tensors go; None for the CPU.
        source: How messages name the file.

    Returns:
        dict[str, Any]: ``state_dict``, and ``meta`` with ``dataset_meta`` where
        :func:`write_safetensors` was given one.

    Raises:
        CheckpointError: It is damaged, or safetensors is not installed.
    """
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise CheckpointError(
            f'{source} is a safetensors file, and that package is not installed. '
            f'{_INSTALL}'
        ) from error
    where = str(device) if isinstance(device, str) or hasattr(device, 'type') else 'cpu'
    try:
        if not isinstance(file, str | os.PathLike):
            content = safetensors.torch.load(file.read())
            return dict(state_dict={k: v.to(where) for k, v in content.items()})
        with safetensors.safe_open(os.fspath(file), 'pt', device=where) as opened:
            words = opened.metadata() or {}
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f'{source} is damaged or is not a safetensors file ({error}).'
        ) from error
    return dict(state_dict=weights, meta=_meta(words))


def _meta(words: Mapping[str, str]) -> dict[str, Any]:
    """What stands beside the tensors; of other programs it may be anything."""
    try:
        dataset_meta = json.loads(words.get('dataset_meta', ''))
    except ValueError:
        return {}
    return dict(dataset_meta=dataset_meta) if isinstance(dataset_meta, dict) else {}


def write_safetensors(
    path: str | os.PathLike[str],
    weights: Mapping[str, Tensor],
    dataset_meta: Mapping | None = None,
) -> None:
    """Write weights, and the class names that they were trained for.

    Tensors that share memory are written each on its own.

    Raises:
        CheckpointError: safetensors is not installed.
        OSError: The file cannot be written; what had its name before stays.
    """
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise CheckpointError(
            f'{path} cannot be written without the package safetensors. {_INSTALL}'
        ) from error
    words = {'format': 'pt'}
    if dataset_meta:
        words['dataset_meta'] = json.dumps(dict(dataset_meta), default=str)
    tensors = {name: value.contiguous().clone() for name, value in weights.items()}
    path = Path(path)
    part = path.with_name(f'.{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, os.fspath(part), metadata=words)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
