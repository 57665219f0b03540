"""A whole video, predicted stage by stage and as a user would."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from mmvis.apis import VISInferencer, find_config, open_source
from mmvis.apis.frame_sources import FrameSource
from mmvis.apis.outputs import VideoOutputs
from mmvis.visualization.video_writer import Mp4Writer

from .forced_instances import FORCED, ForcedInstances
from .stage_times import NETWORK, OTHER, STAGES, Stopwatch, Wrappers, stage_times
from .ways_to_predict import build

DECODE, PREPROCESS, WRITE = 'decode', 'preprocess', 'write'
ALL_STAGES = (DECODE, PREPROCESS, *STAGES[:-1], WRITE, OTHER)


def build_weights(args: argparse.Namespace) -> dict[str, torch.Tensor]:
    """Random weights with batch norms of sane statistics."""
    options = argparse.Namespace(device='cpu')
    return build(find_config(args.config), options).state_dict()


def generate(path: Path, args: argparse.Namespace) -> Path:
    """An mp4 of coarse noise that slides."""
    height, width = args.size
    coarse = np.random.default_rng(0).integers(0, 256, (12, 24, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    with Mp4Writer(path, 25) as writer:
        for t in range(args.frames):
            start = 2 * t % width
            writer.write(wide[:, start : start + width])
    return path


def force(
    inferencer: VISInferencer, video: str | Path, count: int, stopwatch: Stopwatch
) -> None:
    """Have instances found, where forced_instances.py knows how for the model."""
    first = next(iter(open_source(video))).image
    frames, sample = inferencer._prepare([first], 0, 0)
    try:
        ForcedInstances(
            inferencer.model,
            count,
            sample[0].img_shape[:2],
            tuple(frames.shape[-2:]),
            stopwatch,
        )
    except AttributeError:
        print(f'{type(inferencer.model).__name__} finds what its random weights say.')


def stages(
    inferencer: VISInferencer,
    source: FrameSource,
    folder: Path,
    args: argparse.Namespace,
    stopwatch: Stopwatch,
) -> dict:
    """Milliseconds of a frame in each stage."""
    wrappers, number = Wrappers(), 0

    def timed(stage: str):
        def make(original):
            def wrapper(*given, **named):
                with stopwatch.stage(stage):
                    return original(*given, **named)

            return wrapper

        return make

    video = inferencer.new_result(source, keep_frames=False)
    outputs = VideoOutputs(folder / 'stages.mp4', ('mp4', 'json'), video, 25)
    wrappers.replace(inferencer, '_prepare', timed(PREPROCESS))
    stopwatch.seconds.clear()
    try:
        with stage_times(inferencer.model, stopwatch), stopwatch.stage(OTHER):
            timed_source = TimedSource(source, stopwatch)
            options = dict(chunk=args.chunk, read_ahead=0)
            for image, result in inferencer.stream(timed_source, **options):
                with stopwatch.stage(WRITE):
                    video.add(result)
                    outputs.write(image, result)
                number += 1
            with stopwatch.stage(WRITE):
                outputs.close()
    finally:
        wrappers.undo()
    seconds = {s: t for s, t in stopwatch.seconds.items() if s != FORCED}
    ms = {s: 1000 * seconds.get(s, 0.0) / number for s in ALL_STAGES}
    network = sum(ms[stage] for stage in NETWORK)
    return dict(
        ms=ms, network_ms=network, network_fps=1000 / network if network else None
    )


class TimedSource(FrameSource):
    """A source whose reading a stopwatch counts."""

    def __init__(self, source: FrameSource, stopwatch: Stopwatch) -> None:
        self.name, self._source, self._stopwatch = source.name, source, stopwatch

    def __iter__(self) -> Iterator:
        frames = iter(self._source)
        while True:
            with self._stopwatch.stage(DECODE):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


def end_to_end(
    inferencer: VISInferencer,
    source: FrameSource,
    folder: Path,
    args: argparse.Namespace,
) -> dict:
    """Frames a second as a user has them, and memory along the video."""
    video = inferencer.new_result(source, keep_frames=False)
    outputs = VideoOutputs(folder / 'whole.mp4', ('mp4', 'json'), video, 25)
    times, memory, found = [time.perf_counter()], [resident()], 0
    for image, result in inferencer.stream(source, chunk=args.chunk):
        video.add(result)
        outputs.write(image, result)
        found += len(result)
        times.append(time.perf_counter())
        memory.append(resident())
    outputs.close()
    seconds = time.perf_counter() - times[0]
    frames = len(times) - 1
    steps = np.diff(times)
    window = max(1, min(args.window, frames // 2))
    early, late = steps[:window].mean(), steps[-window:].mean()
    return dict(
        frames=frames,
        instances=found / frames,
        fps=frames / seconds,
        late_by_early=late / early,
        resident_mib=dict(
            after_window=memory[window], end=memory[-1], peak=max(memory)
        ),
        peak_process_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        peak_gpu_mib=torch.cuda.max_memory_allocated() / 2**20
        if torch.cuda.is_available()
        else None,
    )


def resident() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
