"""One exported network, run by ONNX Runtime or by OpenVINO."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ExportedModelError, MissingOperatorError, MissingRuntimeError

OPENVINO = 'openvino'


class OnnxNetwork:
    """A network that ONNX Runtime runs.

    Args:
        path (Path): The file.
        device (str | None): 'cpu', 'cuda' or 'cuda:1'; None: a GPU if the runtime has
            one.
        threads (int | None): Of the CPU; None: OMP_NUM_THREADS, or all cores.
        half (bool): For OpenVINO alone: ONNX Runtime computes as the file says.

    Attributes:
        metadata (dict[str, str]): Of the file.
        outputs (list[str]): Names of the outputs.
        provider (str): What of the runtime computes it.
    """

    def __init__(
        self,
        path: Path,
        device: str | None = None,
        threads: int | None = None,
        half: bool = False,
    ) -> None:
        if half:
            raise ExportedModelError(
                f'{path} is computed by ONNX Runtime as it was exported: export it '
                'with --half (for a GPU), or take device openvino, which has half '
                'precision of its own.'
            )
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingRuntimeError(
                f'{path} is run by ONNX Runtime, which is not installed: '
                'pip install onnxruntime (onnxruntime-gpu for CUDA).'
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        threads = threads or int(os.environ.get('OMP_NUM_THREADS') or 0)
        options.intra_op_num_threads = threads
        # Threads that wait for the next frame leave the cores to what is between them.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        providers = _providers(device, onnxruntime.get_available_providers())
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=providers
            )
        except Exception as error:
            raise _said(path, error, onnxruntime.__version__) from error
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.outputs = [output.name for output in self._session.get_outputs()]
        self.provider = self._session.get_providers()[0]
        self._names = {given.name for given in self._session.get_inputs()}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of these inputs, by name; inputs that it has not are left out."""
        given = {name: value for name, value in inputs.items() if name in self._names}
        return dict(zip(self.outputs, self._session.run(None, given), strict=True))


class OpenVinoNetwork:
    """A network that OpenVINO runs on the CPU. See :class:`OnnxNetwork`.

    Args:
        half (bool): Convolutions in half precision where the CPU computes in it
            (bfloat16 on those with AMX or avx512_bf16): OpenVINO's own default. It is
            float32 otherwise.
    """

    def __init__(
        self,
        path: Path,
        device: str | None = None,
        threads: int | None = None,
        half: bool = False,
    ) -> None:
        try:
            import openvino
        except ImportError as error:
            raise MissingRuntimeError(
                f'{path} is to be run by OpenVINO, which is not installed: '
                'pip install openvino, or leave device=openvino out.'
            ) from error
        core = openvino.Core()
        threads = threads or int(os.environ.get('OMP_NUM_THREADS') or 0)
        settings: dict[str, Any] = {}
        if not half:
            settings['INFERENCE_PRECISION_HINT'] = 'f32'
        if threads:
            settings['INFERENCE_NUM_THREADS'] = threads
        try:
            model = core.read_model(str(path))
            # An OVAny, which has no get().
            told = 'framework' in model.rt_info
            info = model.rt_info['framework'] if told else {}
            self._compiled = core.compile_model(model, 'CPU', settings)
        except RuntimeError as error:
            raise _said(path, error, f'OpenVINO {openvino.__version__}') from error
        self.metadata = {key: str(info[key].value) for key in info}
        self.outputs = [output.get_any_name() for output in self._compiled.outputs]
        self.provider = 'CPU'
        self._names = {given.get_any_name() for given in self._compiled.inputs}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of these inputs, by name; inputs that it has not are left out."""
        given = {name: value for name, value in inputs.items() if name in self._names}
        found = self._compiled(given)
        # The arrays are of the request, which the next call overwrites.
        return {name: np.array(found[index]) for index, name in enumerate(self.outputs)}


Network = OnnxNetwork | OpenVinoNetwork


def open_network(
    path: Path,
    device: str | None = None,
    threads: int | None = None,
    half: bool = False,
) -> Network:
    """The network of a file, on 'cpu', 'cuda', 'cuda:1' or 'openvino'.

    Raises:
        ExportedModelError, MissingRuntimeError: With a sentence that says what to do.
    """
    if not path.is_file():
        raise ExportedModelError(f'{path} does not exist.')
    kind = OpenVinoNetwork if device == OPENVINO else OnnxNetwork
    return kind(path, device, threads, half)


def _providers(device: str | None, available: list[str]) -> list[Any]:
    cuda = 'CUDAExecutionProvider'
    wanted = 'cpu' if device is None else str(device)
    if device is None and cuda in available:
        wanted = 'cuda'
    if wanted == 'cpu':
        return ['CPUExecutionProvider']
    match = re.fullmatch(r'cuda(?::(\d+))?', wanted)
    if match is None:
        raise ExportedModelError(
            f'An exported network runs on cpu, cuda, cuda:N or openvino, not {wanted}.'
        )
    if cuda not in available:
        raise ExportedModelError(
            f'The device {wanted} cannot be used: this ONNX Runtime has '
            f'{", ".join(available)}. Install onnxruntime-gpu, or take device cpu.'
        )
    return [(cuda, {'device_id': int(match[1] or 0)}), 'CPUExecutionProvider']


def _said(path: Path, error: Exception, runtime: str) -> ExportedModelError:
    """What a runtime's refusal of a file comes to."""
    text = str(error)
    operator = re.search(
        r'implementation for (\w+)\(|(\w+)\(-?\d+\) is not a registered|'
        r'No conversion rule found for operations: (?:[\w.]*\.)?(\w+)|'
        r'OpenVINO does not support the following ONNX operations: (?:[\w.]*\.)?(\w+)',
        text,
    )
    if operator:
        name = next(filter(None, operator.groups()))
        hint = 'Install a newer onnxruntime, or take another runtime (device=openvino)'
        if name == 'DeformConv':
            hint = (
                'Export again with --deformable GridSample, or install a newer '
                'onnxruntime'
            )
        return MissingOperatorError(
            f'{path} needs the operator {name}, which this runtime ({runtime}) lacks. '
            f'{hint}.'
        )
    reason = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return ExportedModelError(f'{path} cannot be opened as a network: {reason}')
