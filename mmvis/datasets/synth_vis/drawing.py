"""Drawing the videos of a split, by as many processes as are wanted."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import cv2

from .video import VERSION, generate_video


class Drawing(NamedTuple):
    """The videos of a split, of which any can be drawn alone."""

    folder: str
    split: str
    seed: int
    preset: str

    def video(self, index: int) -> dict:
        """Write the PNG frames of a video; returns its entries of the json.

        Raises:
            OSError: a frame cannot be written.
        """
        frames, _, record = generate_video(
            VERSION, self.split, self.seed, index, self.preset
        )
        for name, frame in zip(record['video']['file_names'], frames, strict=True):
            path = Path(self.folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not cv2.imwrite(str(path), frame):
                raise OSError(f'{path} could not be written.')
        return record

    def videos(self, count: int, workers: int) -> Iterator[dict]:
        """Draw the first ``count`` videos; their records in the order of the indices.

        Raises:
            OSError: a frame cannot be written.
            RuntimeError: a process that draws was ended.
        """
        workers = min(workers, count)
        if workers <= 1:
            yield from map(self.video, range(count))
            return
        with ExitStack() as stack:
            processes = []
            for worker in range(workers):
                process = stack.enter_context(_process(self, worker, count, workers))
                stack.callback(process.kill)  # before it is waited for
                processes.append(process)
            for index in range(count):
                yield _answer(processes[index % workers])


# Neither a Pool, which waits for ever for a process that was killed, nor a fork, which
# has the locks of the caller's threads and not the threads, nor multiprocessing's
# spawn, which runs the caller's script again: a process that knows its share of the
# videos and writes their records to a pipe. Ctrl-C is left to the caller.
_CODE = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from mmvis.datasets.synth_vis.drawing import serve
serve()
"""


def _process(
    drawing: Drawing, worker: int, count: int, workers: int
) -> subprocess.Popen[bytes]:
    """The process that draws every ``workers``-th video from ``worker`` on."""
    words = [*map(str, drawing), *map(str, (worker, count, workers))]
    package = str(Path(__file__).resolve().parents[3])
    places = [package, os.environ.get('PYTHONPATH', '')]
    return subprocess.Popen(
        [sys.executable, '-c', _CODE, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, places))},
    )


def _answer(process: subprocess.Popen[bytes]) -> dict:
    assert process.stdout is not None
    try:
        answer = pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError):
        raise RuntimeError(
            f'A process that draws SynthVIS ended with code {process.wait()}; less '
            'memory is needed with workers=1.'
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def serve() -> None:
    """Draw what the command line says and write the records to stdout."""
    folder, split, seed, preset, *share = sys.argv[1:]
    drawing = Drawing(folder, split, int(seed), preset)
    cv2.setNumThreads(0)  # the processes share the cores already
    answers = sys.stdout.buffer
    answer: dict | Exception
    try:
        for index in range(*map(int, share)):
            try:
                answer = drawing.video(index)
            except Exception as error:
                answer = error
            pickle.dump(answer, answers)
            answers.flush()
    except BrokenPipeError:  # nobody listens any more
        os._exit(1)
