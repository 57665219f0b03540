"""The command: a line for each thing that was looked at."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Iterator

from .finding import BAD, NOTE, Finding, guarded

DESCRIPTION = """\
Look at this installation: versions, operators, devices, memory, disk, and two frames
through each model. Nothing is downloaded or written. Paste the output into an issue.
"""


def make_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog='python -m mmvis doctor', description=DESCRIPTION
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (default: a GPU if any)')
    parser.add_argument(
        '--quick', action='store_true', help='import nothing large, and run no model'
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the report; 1 if something does not work."""
    args = make_parser().parse_args(argv)
    count = {BAD: 0, NOTE: 0}
    for finding in examine(args.device, args.quick):
        print(finding, flush=True)
        if finding.verdict in count:
            count[finding.verdict] += 1
    if count[BAD]:
        print(f'\n{count[BAD]} of these do not work.')
        return 1
    works = 'Nothing large was tried.' if args.quick else 'Everything works.'
    print(f'\n{works}' + (f' {count[NOTE]} to note.' if count[NOTE] else ''))
    return 0


def examine(device: str | None, quick: bool) -> Iterator[Finding]:
    """All findings, the quickest first."""
    from .machine import look_at_machine
    from .packages import look_at_packages

    yield from guarded('machine', look_at_machine)
    broken = False
    for finding in guarded('packages', look_at_packages):
        broken |= finding.verdict == BAD and finding.subject in ('releases', 'torch')
        yield finding
    if quick or broken:
        return
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter('ignore')
            yield from _examine_models(device)
    finally:
        logging.disable(logging.NOTSET)


def _examine_models(device: str | None) -> Iterator[Finding]:
    from ..loading import choose_device
    from .networks import look_at_networks
    from .operators import compare_operators, look_at_devices, look_at_imports

    for finding in guarded('operators', look_at_imports):
        yield finding
        if finding.verdict == BAD:
            return
    yield from guarded('GPU', look_at_devices)
    chosen = choose_device(device)
    if chosen.type != 'cpu':
        yield from compare_operators(chosen)
    yield from look_at_networks(chosen)
