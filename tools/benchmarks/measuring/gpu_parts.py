"""The parts of ``gpu.py``: operators, frames, kernels and training steps."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvis.apis.doctor.operators import compare_operators as compare_each_operator
from mmvis.apis.doctor.operators import look_at_devices
from mmvis.apis.faster_network import use_half_precision
from mmvis.apis.graphed_network import GraphedNetwork, use_graphs
from mmvis.structures.nested_tensors import map_tensors

from .forced_instances import grid_boxes
from .ways_to_predict import Way, build, sliding_noise

DTYPES = dict(fp32=None, fp16=torch.float16, bf16=torch.bfloat16)
WARM_UPS, CLIPS = 3, 4  # but one of each with --quick


def describe(args: argparse.Namespace) -> dict:
    """The device and the software."""
    found = [str(finding) for finding in look_at_devices()]
    return dict(torch=torch.__version__, threads=torch.get_num_threads(), gpus=found)


def compare_operators(args: argparse.Namespace) -> dict:
    """Each operator, as the doctor compares it with the CPU's."""
    findings = compare_each_operator(torch.device(args.device))
    return {f.subject: f'{f.verdict}: {f.detail}' for f in findings}


def network(args: argparse.Namespace, config: str, precision: str) -> nn.Module:
    """A model with random weights whose network computes in a precision."""
    model = build(config, args)
    dtype = DTYPES[precision]
    if dtype is not None:
        use_half_precision(model, dtype)
    return model


@torch.no_grad()
def frame_times(
    args: argparse.Namespace, config: str, precision: str, graph: bool
) -> dict:
    """Milliseconds a frame: of the network, of whole frames, one and some at a time.

    With graphs also whether their results are those of the network, bit by bit.
    """
    if graph and not args.device.startswith('cuda'):
        return dict(failed='graphs need a GPU')
    model = network(args, config, precision)
    said: list[str] = []
    if graph:
        use_graphs(model, said.append)
    result: dict = {}
    for at_once in (1, args.chunk):
        way = Way(model, argparse.Namespace(**(vars(args) | dict(objects=0))))
        chunk = way.frames[:at_once]
        extract = model.extract_test_feat
        seconds = timed(lambda x=chunk, f=extract: f(x), args, at_once)
        result[f'network {at_once} (ms)'] = 1000 * seconds / at_once
        if isinstance(extract, GraphedNetwork):
            result[f'equal {at_once}'] = equal(extract(chunk), extract.extract(chunk))
    for at_once in (1, args.chunk):
        model = network(args, config, precision)
        if graph:
            # Recorded first and forced then: what is forced is no part of the graph.
            use_graphs(model, said.append)
        way = Way(model, args, at_once=at_once)
        seconds = timed(way.run, args, args.chunk)
        result[f'frame {at_once} (ms)'] = 1000 * seconds / args.chunk
        result[f'instances {at_once}'] = way.counts()['instances']
    if said:
        result['said'] = said[0]
    return result


def timed(run: Callable[[], object], args: argparse.Namespace, frames: int) -> float:
    """Median seconds of a call, the device's work included."""
    seconds = []
    warm_ups = 1 if args.quick else WARM_UPS
    for call in range(warm_ups + max(1, args.frames // frames)):
        synchronize(args.device)
        start = time.perf_counter()
        run()
        synchronize(args.device)
        if call >= warm_ups:
            seconds.append(time.perf_counter() - start)
    return median(seconds)


def synchronize(device: str) -> None:
    """Wait until a GPU has done all that it was given."""
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)


def equal(one: tuple, other: tuple) -> bool:
    """Whether nested tensors are equal bit by bit."""
    flat: list[list[Tensor]] = [[], []]
    for nested, tensors in zip((one, other), flat, strict=True):
        map_tensors(lambda t, into=tensors: into.append(t), nested)
    return all(torch.equal(a, b) for a, b in zip(*flat, strict=True))


@torch.no_grad()
def kernels(args: argparse.Namespace, config: str) -> dict:
    """Kernels a frame and milliseconds that they take; on a CPU operators."""
    model = build(config, args)
    result: dict = {}
    plain = Way(build(config, args), args, at_once=args.chunk)
    frame = plain.frames[:1]
    runs = {
        'network 1': (1, lambda: model.extract_test_feat(frame)),
        f'frame {args.chunk}': (args.chunk, plain.run),
    }
    for name, (frames, run) in runs.items():
        run()
        for key, value in profiled(run, args.device).items():
            result[f'{name} {key}'] = value / frames
    return result


def profiled(run: Callable[[], object], device: str) -> dict[str, float]:
    """What one call launches, and how long it is busy."""
    from torch.profiler import ProfilerActivity, profile

    on_gpu = device.startswith('cuda')
    kind = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[kind]) as profiler:
        run()
        synchronize(device)
    if not on_gpu:
        names = [event.name for event in profiler.events()]
        return dict(operators=float(sum(n.startswith('aten::') for n in names)))
    rows = profiler.key_averages()
    return dict(
        kernels=float(sum(row.count for row in rows if row.self_device_time_total)),
        busy_ms=sum(row.self_device_time_total for row in rows) / 1000,
    )


def training_step(args: argparse.Namespace, config: str, precision: str) -> dict:
    """Milliseconds of forward and backward of a batch of clips, and the loss."""
    model = build(config, args).train()
    frames = 3 if hasattr(model, 'augmentation') else 2
    inputs, samples = training_batch(args, frames)
    dtype = DTYPES[precision]
    losses: list[float] = []

    def step() -> None:
        model.zero_grad(set_to_none=True)
        enabled = dtype is not None
        with torch.autocast(inputs.device.type, dtype or torch.bfloat16, enabled):
            loss, _ = model.parse_losses(model.loss(inputs, samples))
        loss.backward()
        losses.append(float(loss.detach()))

    seconds = timed(step, args, max(1, args.frames // (2 if args.quick else 8)))
    result = dict(step_ms=1000 * seconds, loss=losses[-1])
    if args.device.startswith('cuda'):
        seen = profiled(step, args.device)
        result |= seen | dict(busy_share=seen['busy_ms'] / result['step_ms'])
    return result


def training_batch(
    args: argparse.Namespace, frames: int
) -> tuple[Tensor, list[TrackDataSample]]:
    """Clips of discs that stand still, (n, frames, 3, H, W), and what is there."""
    height, width = (-(-side // 32) * 32 for side in args.size)
    clips = 1 if args.quick else CLIPS
    noise = sliding_noise(clips * frames, (height, width)).to(args.device)
    boxes = grid_boxes(args.objects, (height, width)).to(args.device)
    masks = BitmapMasks(_discs(boxes.cpu(), height, width).numpy(), height, width)
    nothing = BitmapMasks(np.zeros((0, height, width), np.uint8), height, width)
    ids = torch.arange(len(boxes), device=args.device)
    shape = (height, width)
    names = ('img_shape', 'batch_input_shape', 'pad_shape', 'ori_shape')
    metainfo: dict = dict.fromkeys(names, shape)
    samples = []
    for _ in range(clips):
        clip = TrackDataSample(
            metainfo=dict(key_frames_inds=[0], ref_frames_inds=[*range(1, frames)])
        )
        pictures = []
        for number in range(frames):
            sample = DetDataSample(metainfo=metainfo | dict(frame_id=number))
            sample.gt_instances = InstanceData(
                bboxes=boxes, labels=ids % 8, masks=masks, instances_ids=ids
            )
            sample.ignored_instances = InstanceData(
                bboxes=boxes[:0], labels=ids[:0], masks=nothing
            )
            pictures.append(sample)
        clip.video_data_samples = pictures
        samples.append(clip)
    return noise.view(clips, frames, 3, height, width), samples


def _discs(boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks (n, H, W) uint8 of the discs in boxes (n, 4)."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    radii = (boxes[:, 2:] - boxes[:, :2]) / 2
    x = (torch.arange(width) + 0.5 - centers[:, :1]) / radii[:, :1]
    y = (torch.arange(height) + 0.5 - centers[:, 1:]) / radii[:, 1:]
    return (x.square()[:, None] + y.square()[:, :, None] <= 1).to(torch.uint8)
