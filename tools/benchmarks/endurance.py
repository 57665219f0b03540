"""A video of 10,000 frames in which objects come and go: does anything grow?

    python tools/benchmarks/endurance.py stmask_tiny_synthvis
    python tools/benchmarks/endurance.py stmask_r50 --size 360 640 --device cuda
    python tools/benchmarks/endurance.py sg_net_tiny_synthvis --files seen --kinds json

The network has random weights and runs; what it would have to find is put in its place
(see measuring/traffic.py), so that tracker, masks and files have as much to do as in a
street. Printed are:

* late / fresh: CPU time of --window frames more, by that of a second session, new,
  which is given the same frames in turns with the first: what the past costs;
* late / early: that of the last --window frames before, by that of the first;
* memory behind the first window, and by how much it grew from there to the end;
* the most tracks that were remembered, in the first window and ever, and what the
  state of the session holds in tensors, beside that of the new one.

A json that is there keeps the models that this run has not; --page writes the table of
all of them into a document.

With --files all of it is written as a user would have it. Files know of every instance
in every frame, so that memory grows by its run lengths then; what it takes to finish
them is printed too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from measuring.pages import rows_of, write_table

from mmvis.engine.command_line import run_command
from mmvis.engine.key_values import KeyValues
from mmvis.structures.whole_file import whole_file

LINES = {
    'frames': '{frames:.0f} frames, {objects} objects, {instances:.1f} instances a '
    'frame, {ids} ids',
    'ms': 'a frame             {ms:10.1f} ms of CPU time',
    'late_by_fresh': 'late / fresh        {late_by_fresh:10.3f}',
    'late_by_early': 'late / early        {late_by_early:10.3f}',
    'resident_mib': 'resident memory     {resident_mib:10.0f} MiB, grown by '
    '{grown_kib:.0f} KiB; {kib_a_thousand_frames:.0f} KiB a thousand frames',
    'living': 'tracks remembered   {living:10d} at most, {living_early} in the first '
    'window',
    'state_kib': 'state of the video  {state_kib:10.0f} KiB, of a new one '
    '{fresh_state_kib:.0f} KiB',
    'finish_s': 'finishing files     {finish_s:10.1f} s of CPU time, '
    '{finish_peak_mib:.0f} MiB, for {files_mib:.0f} MiB',
}


COLUMNS = {
    'model, frames': '`{config}`, {frames:,}',
    'objects': '{objects}',
    'late / fresh': '{late_by_fresh:.2f}',
    'late / early': '{late_by_early:.2f}',
    'most tracks: early, ever': '{living_early}, {living}',
    'state (KiB): end, new session': '{state_kib:.0f}, {fresh_state_kib:.0f}',
    'memory (MiB): early, its growth': '{resident_mib:.0f}, {grown_mib:.1f}',
}


def table(rows: list[dict]) -> str:
    """A row a model."""
    lines = []
    for row in sorted(rows, key=lambda row: row['config']):
        numbers = row | dict(grown_mib=row['grown_kib'] / 1024)
        lines.append([text.format(**numbers) for text in COLUMNS.values()])
    return rows_of(list(COLUMNS), lines)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', nargs='+', help='file, or name of one of mmvis')
    parser.add_argument('--frames', type=int, default=10000)
    parser.add_argument('--window', type=int, default=500, help='frames at each end')
    parser.add_argument('--size', type=int, nargs=2, default=[64, 96])
    parser.add_argument('--objects', type=int, default=4, help='at once, at most')
    parser.add_argument('--lifetime', type=int, default=40, help='frames of an object')
    parser.add_argument('--files', type=Path, help='write the video here')
    parser.add_argument('--kinds', nargs='+', default=['mp4', 'json'])
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        default={},
        metavar='KEY=VALUE',
        help='entries of the configs to replace',
    )
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    args = parser.parse_args(argv)
    if args.page and not args.out:
        parser.error('--page writes the table of the json that --out names')
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch
    from measuring.long_videos import endure

    torch.set_num_threads(args.threads)
    rows: list[dict] = []
    if args.out and args.out.is_file():
        known = json.loads(args.out.read_text())['rows']
        rows = [row for row in known if row['config'] not in args.config]
    for config in args.config:
        given = argparse.Namespace(**(vars(args) | dict(config=config)))
        row = dict(config=config, window=args.window, size=args.size, **endure(given))
        rows.append(row)
        print(config)
        for key, line in LINES.items():
            if key in row:
                print('  ' + line.format(**row), flush=True)
    if args.out:
        with whole_file(args.out) as file:
            file.write(json.dumps(dict(rows=rows), indent=1) + '\n')
    if args.page:
        write_table(args.page, 'endurance', table(rows))


if __name__ == '__main__':
    run_command(main)
