"""Frames a second of a whole video: file in, mp4 and json out, split by stage.

    python tools/benchmarks/video.py stmask_r50 --out video.json
    python tools/benchmarks/video.py my_config.py --checkpoint X.pth \\
        --video dancers.mp4 --device cuda --half --chunk 8

Without --video a clip of --frames frames of --size is generated and written as an mp4
first. Without --checkpoint weights are random, and --objects instances are found in
every frame (see forced_instances.py; 0, or a model without that: what the weights say).

The video is predicted twice. Once stage by stage, in one thread, with stopwatches: the
table. Once as a user would, with frames read ahead and without stopwatches: frames a
second from end to end, resident memory, and how both change along the video. The
network's frames a second are those of its stages alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from measuring.forced_instances import FORCED, ForcedInstances
from measuring.stage_times import (
    NETWORK,
    OTHER,
    STAGES,
    Stopwatch,
    Wrappers,
    stage_times,
)
from measuring.ways_to_predict import build

from mmvis.apis import VISInferencer, find_config, open_source
from mmvis.apis.frame_sources import FrameSource
from mmvis.apis.outputs import VideoOutputs
from mmvis.engine.command_line import run_command
from mmvis.structures.whole_file import whole_file
from mmvis.visualization.video_writer import Mp4Writer

DECODE, PREPROCESS, WRITE = 'decode', 'preprocess', 'write'
ALL_STAGES = (DECODE, PREPROCESS, *STAGES[:-1], WRITE, OTHER)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, or the name of one of mmvis')
    parser.add_argument('--checkpoint', help='its weights; random ones otherwise')
    parser.add_argument('--video', help='what to predict; generated otherwise')
    parser.add_argument('--frames', type=int, default=100, help='of a generated video')
    parser.add_argument('--size', type=int, nargs=2, default=[360, 640])
    parser.add_argument('--objects', type=int, default=10, help='instances of a frame')
    parser.add_argument('--chunk', type=int, default=1, help='frames at once')
    parser.add_argument('--window', type=int, default=200, help='frames of a mean')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--half', action='store_true')
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    # Random weights of unlike statistics would make activations explode.
    checkpoint = args.checkpoint or build_weights(args)
    inferencer = VISInferencer(
        args.config,
        checkpoint,
        device=args.device,
        half=args.half,
        compile=args.compile,
    )
    with tempfile.TemporaryDirectory() as folder:
        video = args.video or generate(Path(folder, 'generated.mp4'), args)
        stopwatch = Stopwatch(args.device)
        if not args.checkpoint and args.objects:
            force(inferencer, video, args.objects, stopwatch)
        # Warm up: caches, workspaces, and compiling.
        warm_up = [
            frame.image for frame, _ in zip(open_source(video), range(5), strict=False)
        ]
        inferencer.session().steps(warm_up[: max(args.chunk, 2)])
        report = dict(settings=dict(vars(args), out=None), load=os.getloadavg()[0])
        report |= stages(inferencer, open_source(video), Path(folder), args, stopwatch)
        report |= end_to_end(inferencer, open_source(video), Path(folder), args)
    print_report(report)
    if args.out:
        with whole_file(args.out) as file:
            file.write(json.dumps(report, indent=1))


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


def print_report(report: dict) -> None:
    """The report as text."""
    settings, ms = report['settings'], report['ms']
    total = sum(ms.values())
    print(
        f'{report["frames"]} frames, {report["instances"]:.1f} instances a frame, '
        f'chunks of {settings["chunk"]}, {settings["threads"]} threads, '
        f'{settings["device"]}; load average before {report["load"]:.1f}'
    )
    print(f'{"stage":20s}{"ms a frame":>12s}{"share":>8s}')
    for stage, value in ms.items():
        if value:
            print(f'{stage:20s}{value:12.2f}{value / total:8.1%}')
    if report['network_fps']:
        print(f'network alone       {report["network_fps"]:8.2f} frames/s')
    print(f'end to end          {report["fps"]:8.2f} frames/s')
    memory = report['resident_mib']
    print(
        f'resident memory     {memory["after_window"]:.0f} MiB after the first window, '
        f'{memory["end"]:.0f} at the end, {memory["peak"]:.0f} at most'
    )
    if report['peak_gpu_mib']:
        print(f'GPU memory          {report["peak_gpu_mib"]:.0f} MiB at most')
    print(f'last window by first{report["late_by_early"]:8.3f} (time of a frame)')


if __name__ == '__main__':
    run_command(main)
