"""Exported networks inside of a model whose further steps are PyTorch's."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmvis.engine.checkpoint_fit import plain_state_dict
from mmvis.runtime.errors import ExportedModelError
from mmvis.runtime.model_file import ModelFile
from mmvis.runtime.networks import Network

from .loading import LoadedModel, without_pretrained

TUPLE = 'a tuple of'
# What InstanceFlow's inter-frame network takes.
INTER_INPUTS = (
    *('deep', 'skip', 'shallow', 'target_16', 'target_8'),
    *('reference_16', 'reference_8'),
)


def heads_path(path: Path) -> Path:
    """Where the weights are that are in none of the networks: ``x.heads.pth``."""
    return path.with_suffix('.heads.pth')


def load_features(file: ModelFile) -> LoadedModel:
    """The model of an export of the kind 'features', with its networks inside.

    What the networks say is computed by their runtime, all else by PyTorch on the CPU.

    Raises:
        ExportedModelError: The file with the other weights is missing, or not of it.
    """
    path = heads_path(file.path)
    if not path.is_file():
        raise ExportedModelError(f'{path} is missing: {file.path} needs it beside it.')
    content = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    if content.get('meta', {}).get('export_id') != file.about['export_id']:
        raise ExportedModelError(
            f'{path} is of another export than {file.path}: copy both files of one.'
        )
    config = Config(with_tuples(json.loads(file.settings['config'])))
    from mmvis.registry import MODELS  # which takes seconds

    init_default_scope('mmvis')
    model = MODELS.build(without_pretrained(config.model))
    model.load_state_dict(plain_state_dict(content), strict=False)
    use_networks(model.eval(), file)
    names, ids = file.about['classes'], file.about['category_ids']
    return LoadedModel(
        model,
        config.test_pipeline,
        None if names is None else tuple(names),
        None if ids is None else tuple(ids),
    )


def without_tuples(value: Any) -> Any:
    """Settings for json, which has no tuples: ``{TUPLE: [...]}`` stands for one."""
    if isinstance(value, dict):
        return {key: without_tuples(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [without_tuples(part) for part in value]
        return {TUPLE: parts} if isinstance(value, tuple) else parts
    return value


def with_tuples(value: Any) -> Any:
    """What :func:`without_tuples` was given."""
    if isinstance(value, dict):
        if value.keys() == {TUPLE}:
            return tuple(with_tuples(part) for part in value[TUPLE])
        return {key: with_tuples(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_tuples(part) for part in value]
    return value


def use_networks(model: nn.Module, file: ModelFile) -> None:
    """Let a model's networks be those of a file; for this object."""
    frame = file.network('frame')
    spec = file.settings['structure']
    fixed = None if file.about['size'] is None else tuple(file.settings['input_shape'])

    def extract(frames: Tensor) -> Any:
        size = tuple(frames.shape[-2:])
        if fixed not in (None, size):
            raise ExportedModelError(
                f'{file.path} was exported for inputs of {fixed[0]} x {fixed[1]} px '
                f'(height x width), and frames of this video make {size[0]} x '
                f'{size[1]}: export with --size or --dynamic.'
            )
        found = _run(frame, dict(frames=frames))
        return rebuilt(spec, iter(found))

    # Not parameters or modules of the model: plain attributes.
    model.__dict__['extract_test_feat'] = extract
    model.__dict__['frames_at_once'] = lambda frames: 1
    if 'inter' in file.about['parts']:
        inter = file.network('inter')

        def fields(target: Any, references: tuple[Tensor, ...]) -> Tensor:
            inputs = [target.deep, *target.skips, *target.targets, *references]
            return _run(inter, dict(zip(INTER_INPUTS, inputs, strict=True)))[0]

        head: Any = model.inter_frame_head
        head.__dict__['forward'] = fields


def _run(network: Network, inputs: dict[str, Tensor]) -> list[Tensor]:
    """A network's outputs in order."""
    found = network({name: value.numpy() for name, value in inputs.items()})
    return [torch.from_numpy(found[name]) for name in network.outputs]


def rebuilt(spec: Any, tensors: Iterator[Tensor]) -> Any:
    """Nested tuples of tensors in order; ``spec`` is that of ``features.structure``."""
    if spec is None:
        return next(tensors)
    name, parts = spec
    values = [rebuilt(part, tensors) for part in parts]
    if not name:
        return tuple(values)
    module, _, kind = name.rpartition('.')
    if not module.startswith('mmvis.models.'):
        raise ExportedModelError(f'The file names {name}, which is no part of mmvis.')
    return getattr(importlib.import_module(module), kind)(*values)
