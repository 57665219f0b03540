"""The part of ``gpu.py`` that times exported frame networks by ONNX Runtime."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from mmvis.deploy.networks import plan_export
from mmvis.deploy.writing import example_frame, write_onnx
from mmvis.runtime.networks import open_network

from .gpu_parts import timed
from .ways_to_predict import build, sliding_noise


def exported_times(args: argparse.Namespace, config: str, half: bool) -> dict:
    """Milliseconds a frame of the exported frame network, one frame at a time.

    Frames come from the host and outputs go back to it, as in a video: beside the
    network's time of ``frame_times``, these copies are included. The greatest
    difference from PyTorch on the CPU is a share of each output's largest number.
    """
    host = argparse.Namespace(**(vars(args) | dict(device='cpu')))
    model = build(config, host)
    divisor = model.data_preprocessor.pad_size_divisor
    size = tuple(-(-side // divisor) * divisor for side in args.size)
    part = plan_export(model, example_frame(*size)).parts[0]
    frame = sliding_noise(1, size)
    with torch.no_grad():
        expected = part.module(frame)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'frame.onnx'
        write_onnx(part, path, {}, half=half)
        network = open_network(path, args.device)
        inputs = dict(frames=frame.numpy())
        found = network(inputs)
        seconds = timed(lambda: network(inputs), args, 1)
    differences = [
        np.abs(found[name] - tensor.numpy()).max()
        / max(float(tensor.abs().max()), 1e-9)
        for name, tensor in zip(part.outputs, expected, strict=True)
    ]
    return {
        'network 1 (ms)': 1000 * seconds,
        'difference': float(max(differences)),
        'runs on': network.provider,
    }
