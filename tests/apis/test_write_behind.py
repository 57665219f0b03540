"""Calls are made in order, errors come back once, and the thread ends."""

import threading
import time

import pytest

from mmvis.apis.write_behind import WriteBehind


def threads() -> list:
    return [t for t in threading.enumerate() if t.name == 'mmvis-write-behind']


def test_calls_are_made_in_order_and_all_before_it_is_closed():
    made = []

    def slow(number):
        time.sleep(0.002)
        made.append((number, threading.current_thread().name))

    behind = WriteBehind(size=3)
    for number in range(30):
        behind.call(slow, number)
    behind.close()
    assert made == [(number, 'mmvis-write-behind') for number in range(30)]
    assert not threads()
    behind.close()


def test_the_caller_waits_where_too_much_waits():
    go_on, made = threading.Event(), []

    def call():
        go_on.wait(10)
        made.append(1)

    behind = WriteBehind(size=2)
    caller = threading.Thread(
        target=lambda: [behind.call(call) for _ in range(6)], daemon=True
    )
    caller.start()
    caller.join(0.3)
    # One is being made, two wait, the fourth has no room.
    assert caller.is_alive()
    go_on.set()
    caller.join(10)
    behind.close()
    assert len(made) == 6


def test_waiting_for_room_the_next_call_does_not_wait():
    go_on = threading.Event()
    behind = WriteBehind(size=1)
    behind.wait_for_room()  # nothing has come
    behind.call(go_on.wait, 10)
    behind.call(go_on.wait, 10)  # waits until the first is begun
    waiter = threading.Thread(target=behind.wait_for_room, daemon=True)
    waiter.start()
    waiter.join(0.3)
    assert waiter.is_alive()
    go_on.set()
    waiter.join(10)
    assert not waiter.is_alive()
    behind.close()


def test_an_error_comes_back_once_and_nothing_is_made_after_it():
    made, failed = [], threading.Event()

    def fail():
        failed.set()
        raise OSError('the disk is full')

    behind = WriteBehind(size=2)
    behind.call(made.append, 1)
    behind.call(fail)
    failed.wait(10)
    with pytest.raises(OSError, match='the disk is full'):
        for _ in range(100):
            behind.call(made.append, 2)
            time.sleep(0.01)
    behind.close()  # it has been told
    assert made == [1] and not threads()


def test_an_error_of_the_last_call_comes_when_it_is_closed():
    behind = WriteBehind()
    behind.call(int, 'x')
    with pytest.raises(ValueError, match='invalid literal'):
        behind.close()
    assert not threads()


def test_interrupted_while_it_waits_it_ends_with_the_call_being_made(monkeypatch):
    made, begun, go_on = [], threading.Event(), threading.Event()

    def call():
        begun.set()
        go_on.wait(10)
        made.append(1)

    behind = WriteBehind(size=5)
    for _ in range(4):
        behind.call(call)
    begun.wait(10)
    join, asked = threading.Thread.join, []

    def interrupted(thread, *arguments):
        asked.append(thread)
        if len(asked) == 1:
            raise KeyboardInterrupt
        go_on.set()
        join(thread, *arguments)

    monkeypatch.setattr(threading.Thread, 'join', interrupted)
    with pytest.raises(KeyboardInterrupt):
        behind.close()
    assert made == [1] and not threads()
