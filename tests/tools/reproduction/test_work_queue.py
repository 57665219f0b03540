"""Jobs: order, needs, failures, and what is left running after a stop (nothing)."""

import os
import signal
import sys
import threading
import time

import pytest
from processes import is_running
from reproduction import work_queue
from reproduction.work_queue import BUSY, Job, StoppedError, python, run_jobs


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(work_queue, '_POLL', 0.01)
    monkeypatch.setattr(work_queue, '_WAIT', 0.05)


def job(name, code='', needs=()):
    return Job(name, python('-c', code), needs)


def test_needs_come_before_and_failures_take_what_needs_them(tmp_path):
    def touch(name):
        return f'open({str(tmp_path / name)!r}, "x")'

    lines = []
    lost = run_jobs(
        [
            job('late', f'open({str(tmp_path / "early")!r})', ['early']),
            job('early', touch('early')),
            job('bad', 'import sys; sys.exit(3)'),
            job('orphan', touch('orphan'), ['bad']),
            job('grandchild', touch('orphan'), ['orphan']),
        ],
        2,
        dict(os.environ),
        lines.append,
    )
    assert sorted(lost) == ['bad', 'grandchild', 'orphan']
    assert not (tmp_path / 'orphan').exists()
    assert any(line.startswith('done: late') for line in lines)
    assert 'failed: bad (exit code 3)' in lines


def test_no_more_than_asked_for_at_a_time(tmp_path):
    """Each job counts those whose marks it finds."""
    code = (
        'import os, sys, time\n'
        f'folder = {str(tmp_path)!r}\n'
        'mark = os.path.join(folder, "running" + sys.argv[1])\n'
        'open(mark, "x").close()\n'
        'time.sleep(0.3)\n'
        'count = sum(n.startswith("running") for n in os.listdir(folder))\n'
        'open(os.path.join(folder, "seen" + sys.argv[1]), "w").write(str(count))\n'
        'os.unlink(mark)\n'
    )
    jobs = [Job(f'{i}', [*python('-c', code), f'{i}']) for i in range(5)]
    assert run_jobs(jobs, 2, dict(os.environ), lambda line: None) == []
    counts = [int((tmp_path / f'seen{i}').read_text()) for i in range(5)]
    assert max(counts) == 2


def test_a_busy_job_is_tried_again(tmp_path):
    code = (
        f'import os, sys; path = {str(tmp_path / "tries")!r}\n'
        'open(path, "a").write("x")\n'
        f'sys.exit({BUSY} if os.path.getsize(path) < 3 else 0)'
    )
    assert run_jobs([job('a', code)], 1, dict(os.environ), lambda line: None) == []
    assert (tmp_path / 'tries').read_text() == 'xxx'


def test_a_stop_ends_the_jobs_and_their_children(tmp_path):
    """The child ignores SIGTERM; it is killed."""
    child = (
        'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
        f'open({str(tmp_path / "ready")!r}, "w").close(); time.sleep(60)'
    )
    code = (
        'import subprocess, sys\n'
        f'p = subprocess.Popen([sys.executable, "-c", {child!r}])\n'
        f'open({str(tmp_path / "pid")!r}, "w").write(str(p.pid))\n'
        'p.wait()'
    )

    def tell():
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (tmp_path / 'ready').exists():
                os.kill(os.getpid(), signal.SIGTERM)
                return
            time.sleep(0.02)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    with pytest.raises(StoppedError, match='SIGTERM'):
        run_jobs([job('a', code), job('b')], 1, dict(os.environ), lambda line: None)
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    pid = int((tmp_path / 'pid').read_text())
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def test_threads_are_set():
    assert work_queue.environment(3)['OMP_NUM_THREADS'] == '3'
    assert python('x', 1) == [sys.executable, 'x', '1']
