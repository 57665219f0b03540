"""Calls that are worked off in a thread, a few behind whoever makes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

_END = object()


class WriteBehind:
    """Makes calls in order in a thread, while the caller goes on.

    Frames are drawn and encoded while the network works on those after. At most
    ``size`` calls wait; another one blocks until there is room. After a call that
    failed none is made any more, and its error is raised by the next :meth:`call`, or
    by :meth:`close`, once.

    Args:
        size (int): Calls that may wait, at least 1.
    """

    def __init__(self, size: int = 4) -> None:
        self._waiting: queue.Queue = queue.Queue(max(1, size))
        self._error: BaseException | None = None
        self._failed = threading.Event()
        self._thread: threading.Thread | None = None

    def _work(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._failed.is_set():
                continue  # so that nobody waits for room
            function, arguments = item
            try:
                function(*arguments)
            except BaseException as error:  # it belongs to whoever called
                self._error = error
                self._failed.set()

    def call(self, function: Callable, *arguments: Any) -> None:
        """Make a call after those before; its arguments must not be changed."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name='mmvis-write-behind', daemon=True
            )
            self._thread.start()
        self._waiting.put((function, arguments))

    def wait_for_room(self) -> None:
        """Wait until the next call of this thread would not.

        Whoever is interrupted while waiting here has not begun what belongs to it.
        """
        room = self._waiting.not_full
        with room:
            room.wait_for(lambda: len(self._waiting.queue) < self._waiting.maxsize)

    def close(self) -> None:
        """Wait for all calls, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._waiting.put(_END)
            thread.join()
        except BaseException:
            # Interrupted: the call that is being made is the last one.
            self._failed.set()
            self._waiting.put(_END)
            thread.join()
            raise
        self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
