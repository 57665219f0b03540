"""mmdet's parts that call operators with what these cannot take."""

from __future__ import annotations

from typing import Any

import torch
from mmcv.ops import RoIAlign
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from torch import nn


def guard_from_bfloat16(model: nn.Module) -> None:
    """Let mmdet's parts of a model compute under autocast in bfloat16.

    mmcv's RoIAlign, NMS and focal loss have no kernels for it. RoI extractors below
    ``model`` get feature maps as float32, and the scores and boxes that dense heads and
    box heads predict leave them as float32. Other types stay what they are.

    RoIAlign also takes any memory for contiguous, and pools other values from maps
    whose channels lie side by side, without a word: it gets them contiguous.
    """
    for module in model.modules():
        if isinstance(module, BaseRoIExtractor):
            module.register_forward_pre_hook(_feed_float)
        elif isinstance(module, BaseDenseHead | BBoxHead):
            module.register_forward_hook(_return_float)
        elif isinstance(module, RoIAlign):
            module.register_forward_pre_hook(_feed_contiguous)


def without_bfloat16(value: Any) -> Any:
    """Tensors of bfloat16 in ``value``, or in its tuples and lists, as float32."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype == torch.bfloat16 else value
    if isinstance(value, tuple | list):
        # A tuple that carries more than its levels, a NamedTuple, or a plain one.
        kinds = (getattr(value, name, None) for name in ('with_levels', '_make'))
        make = next(filter(None, kinds), type(value))
        return make([without_bfloat16(entry) for entry in value])
    return value


def _feed_float(module: nn.Module, inputs: tuple) -> tuple:
    return without_bfloat16(inputs)


def _feed_contiguous(module: nn.Module, inputs: tuple) -> tuple:
    maps, *rest = inputs
    return maps.contiguous(), *rest


def _return_float(module: nn.Module, inputs: tuple, outputs: Any) -> Any:
    return without_bfloat16(outputs)
