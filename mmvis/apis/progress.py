"""A progress bar for frames."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(
    name: str, length: int | None, shown: bool = True
) -> Iterator[Callable[[], None]]:
    """Gives a function to call after each frame.

    Args:
        name (str): What is worked on.
        length (int | None): Number of frames, where it is known.
        shown (bool): False, or a stderr that is no terminal: nothing is printed.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[rate]}'),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(name, total=length, rate='')

        def advance() -> None:
            speed = bar.tasks[0].speed
            rate = '' if speed is None else f'{speed:.1f} frames/s'
            bar.update(task, advance=1, rate=rate)

        yield advance
