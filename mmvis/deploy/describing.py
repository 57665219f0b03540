"""What an exported file says of itself."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import torch

from mmvis.apis.loading import LoadedModel
from mmvis.apis.video_session import without_loading
from mmvis.runtime.model_file import FORMAT
from mmvis.version import __version__

from .networks import CannotExportError, ExportPlan


def preparation(pipeline: Sequence[dict], preprocessor: Any) -> dict[str, Any]:
    """What ``mmvis.runtime.preparation.Preparation`` takes.

    Args:
        pipeline: Test pipeline of a config.
        preprocessor: The model's data preprocessor.

    Raises:
        CannotExportError: The pipeline has a step that the runtime has not.
    """
    scale, keep_ratio = None, True
    steps: list[dict] = []
    for step in without_loading(pipeline):
        steps += step.get('transforms', [step])
    for step in steps:
        kind = str(step['type']).rpartition('.')[2]
        if kind == 'Resize':
            scale, keep_ratio = step.get('scale'), bool(step.get('keep_ratio', False))
            if scale is None:
                raise CannotExportError(
                    'A test_pipeline whose Resize has no scale cannot be exported.'
                )
            scale = [scale, scale] if isinstance(scale, int) else list(scale)
        elif not kind.startswith('Pack'):
            raise CannotExportError(
                f'A test_pipeline with {kind} cannot be exported: the runtime resizes, '
                'normalises and pads frames, and nothing else.'
            )
    mean, std = (
        getattr(preprocessor, name).flatten().tolist() for name in ('mean', 'std')
    )
    return dict(
        scale=scale,
        keep_ratio=keep_ratio,
        mean=mean,
        std=std,
        to_rgb=bool(preprocessor._channel_conversion),
        divisor=int(preprocessor.pad_size_divisor),
    )


def describe(
    loaded: LoadedModel, plan: ExportPlan, size: tuple[int, int] | None, **options: Any
) -> dict[str, Any]:
    """What goes into every file of an export.

    Args:
        loaded (LoadedModel): The model.
        plan (ExportPlan): Its networks.
        size (tuple[int, int] | None): Height and width that frames are made to fit in;
            None: of any size.
        **options: How it was exported.
    """
    return dict(
        format=FORMAT,
        mmvis=__version__,
        export_id=uuid.uuid4().hex,
        model=plan.kind,
        parts=[part.name for part in plan.parts],
        classes=loaded.class_names,
        category_ids=loaded.category_ids,
        size=size,
        preparation=preparation(loaded.pipeline, loaded.model.data_preprocessor),
        settings=plan.settings,
        torch=torch.__version__,
        **options,
    )


def as_metadata(about: dict[str, Any], part: str) -> dict[str, str]:
    """The metadata of one file: all as one json, and for other readers by key."""
    prepared = about['preparation']
    return {
        'mmvis': json.dumps(dict(about, part=part)),
        'mmvis_version': about['mmvis'],
        'model': about['model'],
        'part': part,
        'classes': json.dumps(about['classes']),
        'mean': json.dumps(prepared['mean']),
        'std': json.dumps(prepared['std']),
        'size': json.dumps(about['size']),
    }
