"""Half precision and torch.compile for the network of a video model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvis.structures.nested_tensors import map_tensors

PARTS = ('backbone', 'neck', 'prototype_net', 'base_mask_module')


def use_half_precision(model: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Compute feature maps in half precision (bfloat16 on a CPU), all else in full.

    Boxes in half precision would be whole pixels off in a large frame, and NMS takes
    none: heads, masks and tracker get features of float32.

    Args:
        model (nn.Module): A video model of mmvis; its ``extract_test_feat`` is replaced
            for this object.
        dtype (torch.dtype, optional): float16 on a GPU, bfloat16 on a CPU by default.
    """
    video_model: Any = model
    extract = video_model.extract_test_feat

    def extract_in_half(frames: Tensor) -> tuple:
        usual = torch.float16 if frames.is_cuda else torch.bfloat16
        with torch.autocast(frames.device.type, dtype or usual):
            feats = extract(frames)
        return map_tensors(_in_full, feats)

    # Not a parameter or module of the model: a plain attribute.
    model.__dict__['extract_test_feat'] = extract_in_half


def _in_full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def compile_network(model: nn.Module) -> list[str]:
    """Compile backbone, neck and the like, in place; NMS and tracking stay as they are.

    Returns:
        list[str]: The parts that were found.
    """
    found = []
    for owner in (model, getattr(model, 'detector', None)):
        for name in PARTS:
            part = getattr(owner, name, None)
            if isinstance(part, nn.Module):
                part.compile()
                found.append(name)
    return found
