"""From a config and a checkpoint to a model that is ready to predict."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmvis.engine.checkpoint_files import find_checkpoint, is_address
from mmvis.engine.checkpoint_fit import check_fit, plain_state_dict
from mmvis.engine.checkpoint_forms import unified
from mmvis.engine.class_count import fit_class_count, is_explicit, trained_classes
from mmvis.engine.config_files import read_config, replace_entries
from mmvis.engine.errors import CheckpointError, DownloadError

from .config_names import find_config
from .errors import ConfigNotFoundError, DeviceError


class LoadedModel(NamedTuple):
    """A model in eval mode, and what belongs to it.

    Attributes:
        model (nn.Module): Of mmvis, in eval mode, on its device.
        pipeline (list[dict]): The config's test pipeline.
        class_names (tuple[str] | None): Names by label.
        category_ids (tuple[int] | None): Ids in results, by label.
        settings (Any): What of the config the model was built from.
    """

    model: nn.Module
    pipeline: list[dict]
    class_names: tuple[str, ...] | None
    category_ids: tuple[int, ...] | None
    settings: Any = None


def choose_device(device: str | torch.device | None) -> torch.device:
    """A device that works; by default the first GPU where there is one.

    Raises:
        DeviceError: It is not there, or torch does not know it.
    """
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DeviceError(
            f'The device {device!s} cannot be used ({reason}). Take device cpu, or '
            'install a torch that supports this machine.'
        ) from None
    return chosen


def load_model(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike | Mapping | None = None,
    device: str | torch.device | None = None,
    cfg_options: dict | None = None,
) -> LoadedModel:
    """Build the model of a config and load its weights.

    Args:
        config: A config, its file, or the name of one that comes with mmvis.
        checkpoint: A file, a URL, or a state dict; by default what the config's
            ``load_from`` names.
        device: See :func:`choose_device`.
        cfg_options: Entries of the config to replace, by dotted key.

    Raises:
        ConfigNotFoundError, DeviceError: See above.
        CheckpointError: The weights cannot be read safely, or are not of this model.
        ConfigError: The config or ``cfg_options`` cannot be used as they are.
        ValueError: There are no weights, or the config has no model of mmvis.
    """
    chosen = choose_device(device)
    if not isinstance(config, Config):
        config = read_config(find_config(config))
    if cfg_options:
        config = Config(config.to_dict(), filename=config.filename)
        replace_entries(config, cfg_options)
    name = config.filename or 'the config'
    pipeline = _test_pipeline(config)
    if 'model' not in config or pipeline is None:
        raise ValueError(f'{name} has no model or no test_pipeline.')
    if checkpoint is None:
        checkpoint = config.get('load_from')
    if checkpoint is None:
        raise ValueError(
            f'{name} names no weights (load_from): give a checkpoint, the .pth file of '
            'a training.'
        )
    if not isinstance(checkpoint, Mapping) and not is_address(os.fspath(checkpoint)):
        find_checkpoint(checkpoint)
    # mmdet takes seconds: after what a user may have to mend.
    from mmvis.registry import MODELS

    init_default_scope('mmvis')
    content, source = _weights(checkpoint)
    settings = without_pretrained(config.model)
    trained = trained_classes(content)
    if trained and not is_explicit(config.filename, cfg_options or ()):
        fit_class_count(settings, trained, source)
    model = MODELS.build(copy.deepcopy(settings))
    if not hasattr(model, 'predict_clip'):
        raise ValueError(
            f'{name} is of a {type(model).__name__}, which is no video model of mmvis. '
            'TrackBySegmentation makes one of an instance segmentor of mmdet.'
        )
    weights = plain_state_dict(content)
    check_fit(model, weights, source)
    model.load_state_dict(weights, strict=False)
    names, ids = _classes(content, config)
    return LoadedModel(model.to(chosen).eval(), pipeline, names, ids, settings)


def _weights(checkpoint: str | os.PathLike | Mapping) -> tuple[Mapping, str]:
    """The content of a checkpoint, and what messages call it."""
    if isinstance(checkpoint, Mapping):
        source = 'The state dict'
        return unified(checkpoint, source), source
    source = os.fspath(checkpoint)
    try:
        return CheckpointLoader.load_checkpoint(source, map_location='cpu'), source
    except DownloadError as error:
        raise DownloadError(
            f'The weights {source} cannot be downloaded ({error.reason}). Fetch '
            'the file where there is a connection, and give the copy as --weights '
            'FILE (in Python: checkpoint).',
            error.reason,
            source,
        ) from None


def _test_pipeline(config: Config) -> list[dict] | None:
    """As it is used for testing, where --cfg-options reach it."""
    try:
        return config.test_dataloader.dataset.pipeline
    except AttributeError:
        return config.get('test_pipeline')


def without_pretrained(model: Any) -> Any:
    """A copy of a model's config without the weights that training starts from."""
    model = copy.deepcopy(model)
    nodes = [model]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list | tuple):
            nodes += node
        elif isinstance(node, dict):
            if 'Pretrained' in str(node.get('init_cfg')):
                node['init_cfg'] = None
            nodes += node.values()
    return model


def _classes(
    content: Mapping, config: Config
) -> tuple[tuple[str, ...] | None, tuple[int, ...] | None]:
    """Class names and category ids: the checkpoint's, else the config's."""
    meta = content.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    trained = {str(key).lower(): value for key, value in meta.items()}
    trained = trained.get('dataset_meta') or trained
    for source in (trained, _metainfo(config), config):
        source = {str(key).lower(): value for key, value in source.items()}
        names, ids = source.get('classes'), source.get('category_ids')
        if isinstance(names, Sequence) and len(names):
            names = (names,) if isinstance(names, str) else tuple(map(str, names))
            ids = None if ids is None or len(ids) != len(names) else tuple(ids)
            return names, ids
    return None, None


def _metainfo(config: Config) -> Mapping:
    try:
        return config.test_dataloader.dataset.metainfo or {}
    except AttributeError:
        return {}


__all__ = [
    'CheckpointError',
    'ConfigNotFoundError',
    'DeviceError',
    'LoadedModel',
    'choose_device',
    'find_config',
    'load_model',
]
