"""A config and its weights to files that other runtimes execute."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmvis.apis.exported_features import heads_path, without_tuples
from mmvis.apis.loading import LoadedModel, load_model
from mmvis.runtime.model_file import part_path

from . import features
from .describing import as_metadata, describe, preparation
from .networks import CannotExportError, plan_export
from .operators import DEFORMABLE
from .writing import example_frame, write_onnx, write_program

FORMATS = {'onnx': '.onnx', 'torch-export': '.pt2'}


def export_model(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike | Mapping | None = None,
    out: str | os.PathLike = 'model.onnx',
    *,
    format: str = 'onnx',
    size: tuple[int, int] | None = None,
    half: bool = False,
    dynamic: bool = False,
    deformable: str = 'DeformConv',
    cfg_options: dict[str, Any] | None = None,
) -> list[Path]:
    """Write the networks of a model.

    Args:
        config, checkpoint, cfg_options: See ``load_model``.
        out: File of the frame network; others are written beside it.
        format (str): 'onnx', or 'torch-export'.
        size (tuple[int, int], optional): Height and width that frames are resized to
            fit in; the input is that, padded to whole multiples. By default the
            config's test scale, as a landscape.
        half (bool): In float16 (ONNX only).
        dynamic (bool): Height and width of the input are free: frames are resized as
            the config says.
        deformable (str): 'DeformConv' (opset 19), or 'GridSample' for a runtime that
            lacks it (ONNX only; torch-export always has the latter).

    Returns:
        list[Path]: The files, the frame network's first.

    Raises:
        CannotExportError: What cannot be exported, and why.
    """
    if format not in FORMATS:
        raise CannotExportError(f'format is one of {", ".join(FORMATS)}, not {format}.')
    if deformable not in DEFORMABLE:
        raise CannotExportError(
            f'deformable is one of {", ".join(DEFORMABLE)}, not {deformable}.'
        )
    if half and format != 'onnx':
        raise CannotExportError('Only ONNX files are written in half precision.')
    out = Path(out)
    if out.suffix != FORMATS[format]:
        raise CannotExportError(
            f'A file of the format {format} ends in {FORMATS[format]}, and {out} does '
            'not.'
        )
    loaded = load_model(config, checkpoint, 'cpu', cfg_options)
    prepared = preparation(loaded.pipeline, loaded.model.data_preprocessor)
    size = size or _default_size(prepared)
    divisor = prepared['divisor']
    if dynamic and divisor % 32:
        raise CannotExportError(
            f'Inputs of free sizes are whole multiples of 32, but pad_size_divisor is '
            f'{divisor}: leave --dynamic out.'
        )
    padded = [-(-side // divisor) * divisor for side in size]
    plan = plan_export(loaded.model, example_frame(*padded))
    if plan.kind == features.KIND:
        plan.settings['config'] = config_text(loaded)
    about = describe(
        loaded,
        plan,
        None if dynamic else size,
        half=half,
        deformable=deformable,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    files, exported = [], set()
    for part in plan.parts:
        path = part_path(out, part.name)
        if format == 'onnx':
            exported |= write_onnx(
                part,
                path,
                as_metadata(about, part.name),
                dynamic=dynamic,
                half=half,
                deformable_by=deformable,
            )
        else:
            exported |= write_program(part, path, dynamic)
        files.append(path)
    if plan.kind == features.KIND:
        path = heads_path(out)
        kept = {
            name: value
            for name, value in loaded.model.state_dict().items()
            if f'model.{name}' not in exported
        }
        meta = dict(export_id=about['export_id'])
        torch.save(dict(state_dict=kept, meta=meta), path)
        files.append(path)
    return files


def config_text(loaded: LoadedModel) -> str:
    """What the rest of a model is built from, as json: nothing in it is run."""
    parts = dict(model=loaded.settings, test_pipeline=loaded.pipeline)
    # Some of mmcv's settings are tuples, and a list in their place is refused.
    return json.dumps(without_tuples(Config(parts).to_dict()))


def _default_size(prepared: dict[str, Any]) -> tuple[int, int]:
    if prepared['scale'] is None:
        raise CannotExportError(
            'The config does not resize frames: say with --size which height and width '
            'they have.'
        )
    return min(prepared['scale']), max(prepared['scale'])
