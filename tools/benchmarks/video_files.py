"""What a frame costs to write as H.264 and as mp4v, and to read with PyAV and OpenCV.

    python tools/benchmarks/video_files.py clip.mp4 --frames 80

CPU milliseconds a frame, the least of some rounds, all in one process; the size of the
files; and the same with the tracks of a frame drawn, which is what the command pays.
Frames are those of the video, enlarged or reduced to the size that is asked for.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('video', help='a video file')
    parser.add_argument('--frames', type=int, default=80)
    parser.add_argument('--size', type=int, nargs=2, default=[720, 1280])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def least(work: Callable[[], object], rounds: int) -> float:
    """Least CPU seconds of some rounds, all threads together."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import cv2
    import numpy as np

    from mmvis.apis.av_source import AvFileSource
    from mmvis.apis.video_sources import VideoFileSource
    from mmvis.structures.rle import encode_masks
    from mmvis.visualization.draw import draw_tracks
    from mmvis.visualization.video_encoders import H264Encoder, Mp4vEncoder

    height, width = args.size
    frames = []
    for frame in VideoFileSource(Path(args.video)):
        if frame.image is not None:
            frames.append(cv2.resize(frame.image, (width, height)))
        if len(frames) == args.frames:
            break
    masks = np.zeros((8, height, width), bool)
    for n, mask in enumerate(masks):
        mask[height // 4 :, n * width // 8 : (n + 1) * width // 8 - 4] = True
    rles = encode_masks(masks)
    numbers: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        for encoder in (Mp4vEncoder, H264Encoder):
            path = Path(folder, f'{encoder.codec}.mp4')

            def write(encoder=encoder, path=path, drawn: bool = False) -> None:
                file = encoder(str(path), 25, (width, height))
                for image in frames:
                    file.write(
                        draw_tracks(image, rles, range(8), range(8)) if drawn else image
                    )
                file.close()

            numbers[encoder.codec] = dict(
                written=least(lambda w=write: w(drawn=True), args.rounds),
                encoded=least(write, args.rounds),
                kilobytes=path.stat().st_size / 1000,
            )
        for name, source in (('cv', VideoFileSource), ('av', AvFileSource)):
            path = Path(folder, 'h264.mp4')
            seconds = least(lambda s=source, p=path: list(s(p)), args.rounds)
            numbers[f'read_{name}'] = dict(decoded=seconds)
    for name, row in numbers.items():
        for key in row:
            row[key] /= len(frames)
        print(
            f'{name:8s} '
            + '  '.join(
                f'{key} {value:.1f}'
                if key == 'kilobytes'
                else f'{key} {value * 1000:.1f} ms'
                for key, value in row.items()
            )
        )
    if args.out:
        args.out.write_text(json.dumps(numbers, indent=1))


if __name__ == '__main__':
    main()
