"""Reading a large json object member by member.

An official YouTube-VIS file holds tens of millions of run lengths: parsed at once they
take several gigabytes as Python integers. Here the top-level lists come out one
element at a time, so that the caller can shrink an element before the next is parsed.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any, TextIO

CHUNK = 1 << 22  # characters read at a time; far more than one usual annotation
_WHITESPACE = ' \t\n\r'


def stream_json_object(
    path: str, lists: Collection[str]
) -> Iterator[tuple[str, int | None, Any]]:
    """Iterate over the members of the json object in a file.

    Args:
        path: a UTF-8 file (with or without a byte order mark) whose top level is an
            object. Order of its keys and white space do not matter.
        lists: names of members to hand out element by element, if they are lists.

    Yields:
        ``(key, None, value)`` for an ordinary member; for a member in ``lists`` that is
        a list ``(key, None, [])`` once, then ``(key, index, element)`` in file order.

    Raises:
        ValueError: the file is not valid json, with the file, line and column.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            yield from _Reader(file, path).members(lists)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"'{path}' is not UTF-8 text ({error.reason} at byte {error.start}): is it "
            'an annotation file in json?'
        ) from None


class _Reader:
    """A window on the text of a file, moved forward as values are decoded."""

    def __init__(self, file: TextIO, path: str) -> None:
        self.file, self.path = file, path
        self.decode = json.JSONDecoder().raw_decode
        self.text, self.position = '', 0
        self.line, self.column = 1, 1  # of the window's first character
        self.ended = False

    def members(self, lists: Collection[str]) -> Iterator[tuple[str, int | None, Any]]:
        self.expect('{', 'an annotation file starts with an object, {"videos": ...}')
        if not self.take('}'):
            while True:
                key = self.value()
                if not isinstance(key, str):
                    self.fail(f'a key in double quotes is expected, not {key!r}')
                self.expect(':', f'":" is missing after "{key}"')
                if key in lists and self.take('['):
                    yield key, None, []
                    yield from self.elements(key)
                else:
                    yield key, None, self.value()
                if self.take('}'):
                    break
                self.expect(',', f'"," or "}}" is missing after the value of "{key}"')
        if self.peek():
            self.fail('text goes on after the end of the object')

    def elements(self, key: str) -> Iterator[tuple[str, int, Any]]:
        if self.take(']'):
            return
        index = 0
        while True:
            yield key, index, self.value()
            if self.take(']'):
                return
            index += 1
            self.expect(',', f'"," or "]" is missing in "{key}" before element {index}')

    def peek(self) -> str:
        """The next character that is not white space; '' at the end of the file."""
        while True:
            while self.position < len(self.text):
                character = self.text[self.position]
                if character not in _WHITESPACE:
                    return character
                self.position += 1
            if not self.read_more():
                return ''

    def take(self, character: str) -> bool:
        found = self.peek() == character
        self.position += found
        return found

    def expect(self, character: str, message: str) -> None:
        if not self.take(character):
            self.fail(message)

    def value(self) -> Any:
        """Decode the value that starts here, reading on as far as it needs."""
        self.peek()
        while True:
            try:
                value, end = self.decode(self.text, self.position)
            except json.JSONDecodeError as error:
                # Either the text is wrong or the window ends inside the value: only
                # the rest of the file tells.
                distance = error.pos - self.position
                if not self.read_more():
                    self.position = min(self.position + distance, len(self.text))
                    self.fail(error.msg)
            except RecursionError:
                self.fail('lists or objects are nested too deeply')
            else:
                # A number may go on behind the window's end ("1"), or be cut where
                # its end is no number yet ("1.", "1e"); nothing else can.
                behind, length = self.text[end : end + 1], end - self.position
                if (behind and behind not in '.eE') or not self.read_more():
                    self.position += length
                    return value

    def read_more(self) -> bool:
        """Drop what is used and append at least as much as is left; False at the end.

        Doubling keeps the repeated attempts at one huge value linear in its size.
        """
        if self.ended:
            return False
        self._drop_used()
        more = self.file.read(max(CHUNK, len(self.text)))
        self.ended = not more
        self.text += more
        return not self.ended

    def _drop_used(self) -> None:
        self.line, self.column = self._place()
        self.text, self.position = self.text[self.position :], 0

    def _place(self) -> tuple[int, int]:
        """Line and column, both from 1, of the current position."""
        lines = self.text.count('\n', 0, self.position)
        if lines == 0:
            return self.line, self.column + self.position
        return self.line + lines, self.position - self.text.rfind(
            '\n', 0, self.position
        )

    def fail(self, message: str) -> None:
        line, column = self._place()
        raise ValueError(
            f"'{self.path}' is not a valid annotation file: {message} "
            f'(line {line}, column {column}).'
        )
