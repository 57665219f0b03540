"""List everything that is wrong with an annotation file and its frames.

One line each: BROKEN or note, a code, the place, and what is there. Exit code 1 if
anything is broken, 0 if there are notes at most, 2 if the command itself is wrong.

    python tools/dataset_tools/validate.py data/my_set/train.json
    python tools/dataset_tools/validate.py data/my_set/train.json --fix fixed.json
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmvis.datasets.validation import Finding


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(arguments)
    from mmvis.datasets.validation import (
        check_annotation_file,
        count_frames,
        find_frames,
        fix_annotation_file,
    )

    # Names of any script can be printed under any locale.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')
    if not Path(args.ann_file).is_file():
        print(f"There is no file '{args.ann_file}'.", file=sys.stderr)
        return 2
    if args.fix:
        try:
            changes = list(fix_annotation_file(args.ann_file, args.fix))
        except (OSError, ValueError) as error:
            print(f'validate: {error}', file=sys.stderr)
            return 2
        print('\n'.join([*changes, f"wrote '{args.fix}', which has now:"]))
        args.img_prefix = args.img_prefix or _frames_of(args.ann_file)
        args.ann_file = args.fix
    videos, findings = check_annotation_file(args.ann_file)
    counts: Counter = Counter()
    _report(findings, counts, args.max_per_kind)
    if not args.no_images and count_frames(videos):
        folder = args.img_prefix or find_frames(args.ann_file, videos)
        if folder is None or not Path(folder).is_dir():
            print(
                f"No frames found beside '{args.ann_file}': give --img-prefix, the "
                'folder that file_names are relative to, or --no-images.',
                file=sys.stderr,
            )
            return 2
        _report(_with_progress(videos, folder, args.workers), counts, args.max_per_kind)
    return _summary(args.ann_file, counts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', help='annotation file of the YouTube-VIS form')
    parser.add_argument(
        '--img-prefix',
        help='folder that file_names are relative to; by default looked for beside '
        'the file',
    )
    parser.add_argument(
        '--no-images', action='store_true', help='do not look at the frames'
    )
    parser.add_argument(
        '--max-per-kind',
        type=int,
        default=20,
        help='lines printed for each code, 0 for all (default 20)',
    )
    parser.add_argument(
        '--fix',
        metavar='OUT.json',
        help='write what can be repaired, say what was changed, and look at the result',
    )
    parser.add_argument('--workers', type=threads, help='threads that read frames')
    return parser


def threads(text: str) -> int:
    """A number of threads, at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('at least one thread has to read')
    return number


def _frames_of(ann_file: str) -> str | None:
    """The frames beside the file that was fixed; the fixed one may lie elsewhere."""
    from mmvis.datasets.validation import check_annotation_file, find_frames

    videos, findings = check_annotation_file(ann_file)
    list(findings)  # names are read as they are meant
    return find_frames(ann_file, videos)


def _report(findings: Iterable[Finding], counts: Counter, most: int) -> None:
    for finding in findings:
        counts[finding.code] += 1
        if not most or counts[finding.code] <= most:
            print(finding)
        elif counts[finding.code] == most + 1:
            print(f'{str(finding)[:6]} {finding.code:16s} ... more, see the summary')


def _with_progress(
    videos: list[dict], folder: str, workers: int | None
) -> Iterable[Finding]:
    """Findings on frames; a bar on a terminal says how far it is."""
    from tqdm import tqdm

    from mmvis.datasets.validation import check_frames, count_frames

    # disable=None: no bar where stderr is no terminal.
    with tqdm(total=count_frames(videos), unit='frame', disable=None) as bar:
        for findings in check_frames(videos, folder, workers):
            yield from findings
            bar.update()


def _summary(ann_file: str, counts: Counter) -> int:
    from mmvis.datasets.validation import CODES, Finding

    broken = {code: n for code, n in counts.items() if Finding(code, '').is_broken}
    for code in (code for code in CODES if code in counts):
        print(f'{counts[code]:8d} x {code}: {CODES[code]}')
    verdict = 'is broken' if broken else 'is in order'
    print(
        f"'{ann_file}' {verdict}: {sum(broken.values())} faults, "
        f'{sum(counts.values()) - sum(broken.values())} notes.'
    )
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
