"""What MaskTracker alone takes of one core: many large masks a frame.

    python tools/benchmarks/mask_tracker.py --masks 100 --size 720 1280

The masks are discs that wander, some unseen for some frames; making them is not timed.
Printed are CPU milliseconds a frame, medians, and how many frames a second that is, for
masks that come as arrays and as run lengths, without looks, with given ones and with
those of colours; and how many ids were given to how many objects.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--masks', type=int, default=100)
    parser.add_argument('--size', type=int, nargs=2, default=[720, 1280])
    parser.add_argument('--frames', type=int, default=40)
    parser.add_argument('--depth', type=int, default=256, help='numbers of given looks')
    parser.add_argument('--missed', type=float, default=0.05, help='share of masks')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def scenes(args: argparse.Namespace) -> Iterator[tuple]:
    """Image, masks (n, h, w) bool, looks (n, d), and objects (n,) of each frame."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(args.seed)
    height, width = args.size
    sides = np.array([width, height])
    places = rng.uniform(0.1, 0.9, (args.masks, 2)) * sides
    steps = rng.normal(0, 0.004, (args.masks, 2)) * sides
    radii = rng.uniform(0.02, 0.06, args.masks) * height
    looks = rng.normal(size=(args.masks, args.depth))
    colours = rng.integers(0, 256, (args.masks, 3)).tolist()
    for _ in range(args.frames):
        image = np.full((height, width, 3), 90, np.uint8)
        masks = np.zeros((args.masks, height, width), np.uint8)
        for mask, place, radius, colour in zip(
            masks, places, radii, colours, strict=True
        ):
            centre = tuple(place.round().astype(int).tolist())
            cv2.circle(mask, centre, round(radius), 1, -1)
            cv2.circle(image, centre, round(radius), colour, -1)
        seen = np.flatnonzero(rng.uniform(size=args.masks) >= args.missed)
        shown = looks[seen] + rng.normal(0, 0.2, (len(seen), args.depth))
        yield image, masks[seen].astype(bool), shown, seen
        places = places + steps
        steps = np.where((places < 0) | (places > sides), -steps, steps)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import cv2
    import numpy as np

    from mmvis.structures.rle import encode_masks
    from mmvis.tracking import MaskTracker, Outlines, colour_looks

    cv2.setNumThreads(1)
    ways = [(form, looks) for form in ('array', 'rle') for looks in ('no', 'given')]
    ways += [('array', 'colour'), ('rle', 'colour')]
    trackers = {way: MaskTracker() for way in ways}
    times: dict[tuple, list[float]] = {way: [] for way in ways}
    pairs: dict[tuple, set] = {way: set() for way in ways}
    for image, masks, looks, seen in scenes(args):
        forms = {'array': masks, 'rle': encode_masks(masks)}
        for form, kind in ways:
            given = forms[form]
            began = time.process_time()
            shown = looks if kind == 'given' else None
            if kind == 'colour':
                make = Outlines.of_rles if form == 'rle' else Outlines.of_array
                given = make(given)  # once, for looks and ids
                shown = colour_looks(image, given)
            ids = trackers[form, kind].update(given, looks=shown)
            times[form, kind].append(time.process_time() - began)
            pairs[form, kind] |= set(zip(seen.tolist(), ids.tolist(), strict=True))
    rows = []
    for form, kind in ways:
        seconds = float(np.median(times[form, kind]))
        row = dict(
            masks=form,
            looks=kind,
            milliseconds=seconds * 1000,
            frames_a_second=1 / seconds,
            ids=len({i for _, i in pairs[form, kind]} - {-1}),
        )
        rows.append(row)
        print(
            f'{form:6s} {kind:7s} looks {row["milliseconds"]:7.1f} ms '
            f'{row["frames_a_second"]:7.1f} frames/s  {row["ids"]} ids of {args.masks}',
            flush=True,
        )
    if args.out:
        args.out.write_text(json.dumps(dict(vars(args), out=None, rows=rows), indent=1))


if __name__ == '__main__':
    main()
