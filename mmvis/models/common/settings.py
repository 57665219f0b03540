"""Checks of the small dicts of settings that models and heads take."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def check_keys(
    settings: Mapping[str, Any] | None, known: Iterable[str], owner: str
) -> dict[str, Any]:
    """A copy of ``settings``; a key that nothing would read is an error.

    Args:
        settings: As a config gives it; None is an empty one.
        known: The keys that may stand there.
        owner: What the message calls them, e.g. 'test_cfg of TFAN'.

    Raises:
        ValueError: A key is unknown; the message names it and what it may be.
    """
    settings, known = dict(settings or {}), list(known)
    for key in settings:
        if key not in known:
            alike = difflib.get_close_matches(str(key), known, n=1)
            hint = f'did you mean {alike[0]}?' if alike else f'its keys are {known}.'
            raise ValueError(f'The {owner} has no key {key}: {hint}')
    return settings


__all__ = ['check_keys']
