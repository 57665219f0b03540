"""Association on a real clip, without annotations: what moves is masked, and tracked.

    python tools/benchmarks/association_on_clip.py vtest.avi --stop 770

Masks are what differs from the background of a camera that stands still (OpenCV's
MOG2), so that people are lost, cut and joined often; looks are the colours inside. A
teleport is a track that moves by more than its own size a frame, whatever it was of.
"""

from __future__ import annotations

import argparse


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('video')
    parser.add_argument('--stop', type=int, help='only so many frames')
    parser.add_argument('--least', type=int, default=300, help='px of a mask')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import numpy as np
    from measuring.association_runs import runs
    from measuring.moving_masks import Tracks, moving
    from measuring.noisy_detections import Frame

    from mmvis.tracking import colour_looks

    trackers = {name: make() for name, make in runs({}).items() if name != 'the truth'}
    tracks = {name: Tracks() for name in trackers}
    for t, (image, masks) in enumerate(moving(args.video, args.least)):
        if t == args.stop:
            break
        number = np.arange(len(masks))
        looks = colour_looks(image, masks)
        shown = Frame(masks, np.ones(len(masks)), 0 * number, looks, number)
        for name, tracker in trackers.items():
            tracks[name].add(t, masks, tracker(t, shown))
    for name, found in tracks.items():
        print(f'{name:18s}{found}')


if __name__ == '__main__':
    main()
