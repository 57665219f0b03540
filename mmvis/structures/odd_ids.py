"""Ids that one file has as numbers and another as text, or with a decimal point."""

from collections.abc import Iterable
from typing import Any


def whole_id(value: Any) -> Any:
    """3 for 3.0, which spreadsheets and pandas make of it; others as they are."""
    return int(value) if type(value) is float and value.is_integer() else value


class KnownIds:
    """The ids that there are, found by other spellings where that is unambiguous.

    ``3``, ``3.0`` and ``'3'`` are one id unless two of them are listed.

    Args:
        ids: whole numbers and strings.
    """

    def __init__(self, ids: Iterable[Any]) -> None:
        self._ids = {}
        self._texts: dict[str, list] = {}
        for number in ids:
            self._ids[number] = number
            self._texts.setdefault(str(number), []).append(number)

    def find(self, value: Any) -> Any:
        """The id that is meant, None if there is none or more than one."""
        value = whole_id(value)
        if type(value) not in (int, str):
            return None
        if value in self._ids:
            return self._ids[value]
        twins = self._texts.get(str(value), [])
        return twins[0] if len(twins) == 1 else None
