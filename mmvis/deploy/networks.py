"""A model's networks, each a function of tensors alone, as they are exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass
class PartNetwork:
    """One network of a model.

    Attributes:
        name (str): 'frame', the file that is named; others are written beside it.
        module (nn.Module): Takes the inputs in order, gives a tuple.
        inputs (dict[str, Tensor]): Examples, with two rows or more where the number
            of rows is free.
        outputs (list[str]): Names of what it gives.
        free (dict[str, dict[int, str]]): Axes of inputs whose length is free in any
            export, by names of lengths: numbers of boxes, of reference frames.
        spatial (dict[str, dict[int, int]]): Axes whose length is the input's height or
            width, divided by this stride: free in an export with dynamic sizes.
        precise (bool): Stays in float32 where the others are in half precision.
    """

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: list[str]
    free: dict[str, dict[int, str]] = field(default_factory=dict)
    spatial: dict[str, dict[int, int]] = field(default_factory=dict)
    precise: bool = False


class CannotExportError(ValueError):
    """The model, or a part of its config, cannot be exported."""


@dataclass
class ExportPlan:
    """What of a model is exported.

    Attributes:
        kind (str): What runs it.
        parts (list[PartNetwork]): The first is 'frame'.
        settings (dict): What is done around the networks; goes into the file.
    """

    kind: str
    parts: list[PartNetwork]
    settings: dict[str, Any]


# By the name of the model's class, for those that run without torch: a function of the
# model and an example frame (1, 3, H, W).
PLANS: dict[str, Callable[[Any, Tensor], ExportPlan]] = {}


def plan_export(model: Any, frame: Tensor) -> ExportPlan:
    """The networks of a model.

    Args:
        model (BaseVISModel): In eval mode.
        frame (Tensor): (1, 3, H, W), an example of the network's input.

    Raises:
        CannotExportError: Something in its config cannot be exported.
    """
    from . import features, stmask  # noqa: F401  # stmask fills PLANS

    return PLANS.get(type(model).__name__, features.plan)(model, frame)
