"""An iterator that is worked off in a thread, a few items ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any

_END = object()


class ReadAhead:
    """Iterates over a source while a thread fetches its next items.

    Frames are decoded while the network works on those before. At most ``size`` items
    wait. An error of the source is raised where its item would have come. Leaving the
    block, or :meth:`close`, ends the thread, in the middle too.

    Args:
        source (Iterable): Is iterated over in the thread only.
        size (int): Items that may wait, at least 1.
    """

    def __init__(self, source: Iterable, size: int = 8) -> None:
        self._waiting: queue.Queue = queue.Queue(max(1, size))
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(source,), name='mmvis-read-ahead', daemon=True
        )
        self._thread.start()

    def _work(self, source: Iterable) -> None:
        iterator: Any = None
        try:
            iterator = iter(source)
            for item in iterator:
                if not self._put((item, None)):
                    return
            self._put((_END, None))
        except BaseException as error:  # it belongs to whoever reads
            self._put((_END, error))
        finally:
            # A generator holds its file open until it is closed.
            if hasattr(iterator, 'close'):
                iterator.close()

    def _put(self, item: tuple[Any, BaseException | None]) -> bool:
        """False when nobody reads any more."""
        while not self._stopped.is_set():
            try:
                self._waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator:
        while not self._stopped.is_set():
            item, error = self._waiting.get()
            if item is not _END:
                yield item
                continue
            self._stopped.set()
            if error is not None:
                raise error

    def close(self) -> None:
        """End the thread and forget what waits."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
