"""Items come in order, errors in their place, and the thread ends."""

import threading
import time

import pytest

from mmvis.apis.read_ahead import ReadAhead


def threads() -> list:
    return [t for t in threading.enumerate() if t.name == 'mmvis-read-ahead']


def test_all_items_in_order():
    with ReadAhead(range(100), size=3) as items:
        assert list(items) == list(range(100))
    assert not threads()


def test_no_more_items_wait_than_asked_for():
    taken = []

    def source():
        for item in range(50):
            taken.append(item)
            yield item

    with ReadAhead(source(), size=4) as items:
        assert next(iter(items)) == 0
        time.sleep(0.3)
        # One came out, four wait, one is in the thread's hand.
        assert len(taken) <= 6


def test_an_error_comes_where_its_item_would():
    def source():
        yield 1
        yield 2
        raise OSError('gone')

    got = []
    with pytest.raises(OSError, match='gone'), ReadAhead(source()) as items:
        for item in items:
            got.append(item)
    assert got == [1, 2] and not threads()


def test_a_source_that_cannot_even_begin():
    class Broken:
        def __iter__(self):
            raise OSError('gone')

    items = ReadAhead(Broken())
    items._thread.join(5)
    assert items._waiting.qsize() == 1  # or else reading would wait for ever
    with pytest.raises(OSError, match='gone'):
        list(items)


def test_leaving_early_ends_the_thread_and_closes_the_source():
    closed = threading.Event()

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with ReadAhead(source(), size=2) as items:
        next(iter(items))
    assert closed.wait(5) and not threads()
