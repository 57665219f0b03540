"""Least times of several ways to compute the same, and their table.

The ways take turns in one process, on the same tensors, so that their ratios hold on a
busy machine as well; of several rounds the least time counts. They are compared with
each other before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Way = Callable[..., 'Tensor']
Row = dict[str, str | int | float]

KINDS = {'forward': 'forward ms', 'both': 'fwd + bwd ms'}


def add_arguments(parser: argparse.ArgumentParser, rounds: int) -> None:
    """What every such tool is asked: --rounds, --threads and --out."""
    parser.add_argument(
        '--rounds', type=int, default=rounds, help='how often each way is timed'
    )
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--out', type=Path, help='write the table here as json')


def measure(
    ways: dict[str, Way],
    inputs: Sequence[Tensor],
    rounds: int,
    tolerance: float = 1e-5,
) -> list[Row]:
    """Least times of each way, forward alone and with the backward pass.

    Args:
        ways (dict[str, Callable]): Functions of the inputs that give the same tensor,
            by name. Times are related to the first one's.
        inputs (Sequence[Tensor]): Tensors that require a gradient, all on one device.
        rounds (int): How often each way is timed.
        tolerance (float): By how much outputs and gradients of two ways may differ, in
            norm, as a share of the first way's.

    Returns:
        list[dict]: A row for each way: ``way``, ``forward_ms``, ``forward_ratio``,
        ``both_ms`` and ``both_ratio``. Ratios are times by the first way's.

    Raises:
        ValueError: If two of the ways differ.
    """
    import torch

    grad = torch.randn_like(ways[next(iter(ways))](*inputs))

    def forward(way: Way) -> Tensor:
        with torch.no_grad():
            return way(*inputs)

    def both(way: Way) -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(*inputs), inputs, grad)

    first, *_ = names = list(ways)
    results = {name: (forward(way), *both(way)) for name, way in ways.items()}
    for name in names[1:]:
        for one, other in zip(results[first], results[name], strict=True):
            if not (one - other).norm() <= tolerance * one.norm():
                raise ValueError(f"'{name}' gives another result than '{first}'")
    del results
    calls = {'forward': forward, 'both': both}
    times = {(name, kind): [] for name in names for kind in KINDS}
    for _ in range(rounds):
        for name, kind in times:
            times[name, kind].append(seconds(calls[kind], ways[name]))
    return [table_row(name, first, times) for name in names]


def table_row(name: str, first: str, times: dict[tuple[str, str], list[float]]) -> Row:
    """A way's row of :func:`measure`, from the seconds of all rounds."""
    row: Row = {'way': name}
    for kind in KINDS:
        row[f'{kind}_ms'] = 1000 * min(times[name, kind])
        row[f'{kind}_ratio'] = min(times[name, kind]) / min(times[first, kind])
    return row


def seconds(function: Callable, *args: object) -> float:
    """Time of a call, its work on a GPU included."""
    import torch

    start = time.perf_counter()
    function(*args)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


class TimeTable:
    """Rows of cases and ways, printed as they come.

    Args:
        widths (dict[str, int]): What a row says of its case, and the characters that
            each is printed with.
        reference (str): What the heading calls the first way.
    """

    def __init__(self, widths: dict[str, int], reference: str) -> None:
        self.widths = widths | {'way': 12}
        self.rows: list[Row] = []
        titles = [t for kind in KINDS.values() for t in (kind, f'x {reference}')]
        print(
            ''.join(f'{name:{width}s}' for name, width in self.widths.items()),
            ''.join(f'{title:>13s}' for title in titles),
        )

    def add(self, case: dict[str, str | int], rows: list[Row]) -> None:
        """Add a case: what is said of it, and the rows of :func:`measure`."""
        for row in rows:
            self.rows.append(case | row)
            values = [
                row[f'{kind}_{unit}'] for kind in KINDS for unit in ('ms', 'ratio')
            ]
            print(
                ''.join(
                    f'{self.rows[-1][name]!s:{width}s}'
                    for name, width in self.widths.items()
                ),
                ''.join(f'{value:13.2f}' for value in values),
                flush=True,
            )

    def write(self, args: argparse.Namespace) -> None:
        """Write settings and rows to the file of --out, where there is one."""
        if args.out:
            settings = {name: v for name, v in vars(args).items() if name != 'out'}
            content = {'settings': settings, 'rows': self.rows}
            args.out.write_text(json.dumps(content, indent=1))
