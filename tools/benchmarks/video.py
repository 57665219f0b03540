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
import tempfile
from pathlib import Path

from mmvis.engine.command_line import run_command
from mmvis.structures.whole_file import whole_file


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
    parser.add_argument('--threads', type=int, help="default: torch's")
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch
    from measuring.stage_times import Stopwatch
    from measuring.whole_videos import (
        build_weights,
        end_to_end,
        force,
        generate,
        stages,
    )

    from mmvis.apis import VISInferencer, open_source

    args.threads = args.threads or torch.get_num_threads()
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
