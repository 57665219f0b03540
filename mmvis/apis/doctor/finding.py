"""A line of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

OK, NOTE, BAD = 'ok', 'note', 'BAD'


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what came of it.

    Attributes:
        verdict (str): ``OK``; ``NOTE``, which works but may surprise; or ``BAD``.
        subject (str): What was looked at.
        detail (str): What was found, and for ``BAD`` what to do where that is known.
    """

    verdict: str
    subject: str
    detail: str = ''

    def __str__(self) -> str:
        return f'{self.verdict:<4}  {self.subject:<22}  {self.detail}'.rstrip()


def guarded(
    subject: str, look: Callable[..., Iterable[Finding]], *args: Any
) -> Iterator[Finding]:
    """The findings of ``look(*args)``; an error of its own is one too."""
    try:
        yield from look(*args)
    except Exception as error:
        said = ' '.join(str(error).split())[:300]
        yield Finding(BAD, subject, f'{type(error).__name__}: {said}')
