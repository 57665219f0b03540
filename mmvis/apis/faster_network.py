"""Half precision and torch.compile for the network of a video model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmvis.structures.nested_tensors import map_tensors

PARTS = ('backbone', 'neck', 'prototype_net', 'base_mask_module')
# InstanceFlow's that end before the network does.
MODEL_PARTS = ('semantic_head', 'intra_frame_head')
# Of the heads of STMask and SG-Net, what computes whole maps alone.
HEAD_PARTS = (
    *('shared_conv', 'reg_tower', 'cls_tower', 'coeff_tower', 'embed_tower'),
    *('cls_convs', 'reg_convs'),
)


def use_half_precision(model: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Compute feature maps in half precision (bfloat16 on a CPU), all else in full.

    Weights of convolutions in backbone, neck and the like are in half precision from
    the first call on: autocast casts the others anew at each call, a launch for each.
    Results are equal. Boxes in half precision would be whole pixels off in a large
    frame, and NMS takes none: heads, masks and tracker get features of float32.

    Args:
        model (nn.Module): A video model of mmvis; its ``extract_test_feat`` is replaced
            for this object.
        dtype (torch.dtype, optional): float16 on a GPU, bfloat16 on a CPU by default.
    """
    video_model: Any = model
    extract = video_model.extract_test_feat
    # Those of other parts are looked up after the network, too.
    head = getattr(model, 'bbox_head', None)
    parts = [
        *(getattr(model, name, None) for name in (*PARTS, *MODEL_PARTS)),
        *(getattr(getattr(model, 'detector', None), name, None) for name in PARTS),
        *(getattr(head, name, None) for name in HEAD_PARTS),
    ]
    converted: set[torch.dtype] = set()

    def extract_in_half(frames: Tensor) -> tuple:
        chosen = dtype or (torch.float16 if frames.is_cuda else torch.bfloat16)
        if chosen not in converted:
            for part in parts:
                if part is not None:
                    halve_weights(part, chosen)
            converted.add(chosen)
        with torch.autocast(frames.device.type, chosen):
            feats = extract(frames)
        return map_tensors(_in_full, feats)

    # Not a parameter or module of the model: a plain attribute.
    model.__dict__['extract_test_feat'] = extract_in_half


def halve_weights(network: nn.Module, dtype: torch.dtype) -> None:
    """Put the weights of plain convolutions and linear layers in half precision.

    Batch norms and deformable convolutions keep theirs: they compute in full.
    """
    for module in network.modules():
        # Not subclasses: they may do with their weights what they like.
        if type(module) in (nn.Conv2d, nn.Linear):
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
                parameter.data = parameter.data.to(dtype)


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
