"""One network to one file, by torch's own exporters."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmcv.cnn import fuse_conv_bn
from torch import Tensor, nn

from .networks import CannotExportError, PartNetwork
from .onnx_operators import OPSET, translations
from .operators import exportable_operators


def folded(module: nn.Module) -> nn.Module:
    """A copy in eval mode whose batch norms are part of the convolutions before them.

    Exact up to rounding. Batch norms behind deformable convolutions stay.
    """
    return fuse_conv_bn(copy.deepcopy(module).eval())


def export_program(
    part: PartNetwork, dynamic: bool = False, deformable_by: str = 'DeformConv'
) -> torch.export.ExportedProgram:
    """A network as a program of torch.export.

    Args:
        part (PartNetwork): Its inputs are examples.
        dynamic (bool): Whether height and width of the input are free, too.
        deformable_by (str): See ``exportable_operators``.

    Raises:
        CannotExportError: torch cannot follow the network.
    """
    module, shapes = folded(part.module), dynamic_shapes(part, dynamic)
    arguments = tuple(part.inputs.values())
    with torch.no_grad(), exportable_operators(deformable_by), _quiet():
        try:
            return torch.export.export(
                module,
                arguments,
                dynamic_shapes=tuple(shapes.get(name) for name in part.inputs),
                strict=False,
            )
        except Exception as error:
            if isinstance(error, (KeyboardInterrupt, MemoryError)):
                raise
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise CannotExportError(
                f"torch.export cannot follow the network '{part.name}': {reason[0]}"
            ) from error


def used_parameters(program: torch.export.ExportedProgram) -> set[str]:
    """Names of the parameters and buffers that a program computes with."""
    used = {node.name for node in program.graph.nodes if node.users}
    specs = program.graph_signature.input_specs
    return {s.target for s in specs if s.target is not None and s.arg.name in used}


def dynamic_shapes(
    part: PartNetwork, dynamic: bool
) -> dict[str, dict[int, Any] | None]:
    """Which axes of the inputs are free, as torch.export takes it."""
    lengths: dict[str, Any] = {}

    def free(name: str) -> Any:
        return lengths.setdefault(name, torch.export.Dim(name, min=1, max=2**20))

    def side(axis: int, stride: int) -> Any:
        # The input is padded to multiples of 32, so that maps are whole multiples, too.
        units = free('height_in_32' if axis == 2 else 'width_in_32')
        return 32 // stride * units if stride != 32 else units

    shapes: dict[str, dict[int, Any] | None] = {}
    for name in part.inputs:
        axes: dict[int, Any] = {
            axis: free(length) for axis, length in part.free.get(name, {}).items()
        }
        if dynamic:
            axes |= {a: side(a, s) for a, s in part.spatial.get(name, {}).items()}
        shapes[name] = axes or None
    return shapes


def write_onnx(
    part: PartNetwork,
    path: Path,
    metadata: dict[str, str],
    *,
    dynamic: bool = False,
    half: bool = False,
    deformable_by: str = 'DeformConv',
) -> set[str]:
    """Write a network as an ONNX file, which onnx.checker passes.

    Returns:
        set[str]: Names of the parameters that are in it, of ``part.module``.

    Args:
        part (PartNetwork): The network.
        path (Path): Replaced if it exists.
        metadata (dict[str, str]): Put into the file.
        dynamic, deformable_by: See :func:`export_program`.
        half (bool): Weights and computations in float16; inputs and outputs, and what
            needs more digits (offsets, boxes, sums over channels), in float32. A
            precise part is all in float32.

    Raises:
        CannotExportError: onnx or onnxscript is not installed, or the network cannot be
            exported.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise CannotExportError(
            f'Writing ONNX needs {error.name}, which is not installed: '
            'pip install "mmvis[export]", or pip install onnx onnxscript onnxruntime.'
        ) from error
    program = export_program(part, dynamic, deformable_by)
    with torch.no_grad(), _quiet():
        written = torch.onnx.export(
            program,
            tuple(part.inputs.values()),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamo=True,
            opset_version=OPSET,
            custom_translation_table=translations(),
            external_data=False,
            optimize=True,
            verbose=False,
        )
    assert written is not None
    model = written.model_proto
    if half and not part.precise:
        model = _in_half_precision(model)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return used_parameters(program)


# Sampling places and boxes in float16 would be off by cells of a large map.
KEPT_IN_FULL = (
    'DeformConv',
    'GridSample',
    'RoiAlign',
    'Range',
    'Softmax',
    'ReduceSum',
    'ReduceMean',
    'ReduceL2',
    'Resize',
    'Exp',
)


def _in_half_precision(model: Any) -> Any:
    """The same network in float16, inputs and outputs in float32."""
    try:
        from onnxruntime.transformers.float16 import (
            DEFAULT_OP_BLOCK_LIST,
            convert_float_to_float16,
        )
        from onnxruntime.transformers.onnx_model import OnnxModel
    except ImportError as error:
        raise CannotExportError(
            'half precision is written by onnxruntime, which is not installed: '
            'pip install "mmvis[export]".'
        ) from error
    blocked = [*DEFAULT_OP_BLOCK_LIST, *KEPT_IN_FULL]
    _compute_constant_outputs(model)
    model = convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)
    # It puts casts at the end, and leaves the types between nodes as they were.
    OnnxModel(model).topological_sort()
    del model.graph.value_info[:]
    return model


def write_program(part: PartNetwork, path: Path, dynamic: bool = False) -> set[str]:
    """Write a network as a program of torch (``torch.export.load`` reads it).

    Deformable convolutions are samples of ``grid_sample``, so that the program needs
    nothing of mmvis; RoIAlign has no operator in torch, and is mmvis's.
    """
    program = export_program(part, dynamic, 'GridSample')
    torch.export.save(program, path)
    return used_parameters(program)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch's exporters tell about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)


def example_frame(height: int, width: int) -> Tensor:
    """A normalised frame (1, 3, H, W) to follow a network with."""
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def _compute_constant_outputs(model: Any) -> None:
    """Let a node make each output that is a constant, such as places of cells.

    The converter puts a cast before every output and looks for the node that makes
    what it casts.
    """
    from onnx import helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for output in model.graph.output:
        if output.name in constants:
            name = f'{output.name}_constant'
            for node in model.graph.node:
                node.input[:] = [name if n == output.name else n for n in node.input]
            constants[output.name].name = name
            model.graph.node.append(helper.make_node('Identity', [name], [output.name]))
