"""What is held of a video while it runs, measured where nothing is under way.

The memory of a process goes up and down by what waits in queues, some twenty frames,
and by what its allocator keeps. A record of 1 KiB a frame is less than that, in 2,000
frames. So the source waits every 80 frames until all before are written, and what
Python and NumPy hold then is counted to the byte.
"""

import ctypes
import gc
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from inferencers import images
from scipy.stats import theilslopes

from mmvis.apis.outputs import VideoOutputs

# A multiple of the frames that go through at once, since the rest of them would wait.
EVERY = 80


class HeldMemory:
    """Frames of a scene that changes now and then, and the memory at some of them.

    Args:
        monkeypatch: Of pytest; sees what is written.
        frames (int): Length of the video.
        size (tuple[int, int]): Width and height, px.
        warm_up (int): Frames before the first measurement, a multiple of 80.

    Attributes:
        num_frames (int): Frames that were asked for.
        at (list[int]): Frames by which it was measured.
        held (list[int]): Bytes that Python and NumPy hold of what came since warm-up.
        anonymous (list[int]): Bytes of the process that are of no file.
    """

    def __init__(
        self, monkeypatch, frames: int, size: tuple[int, int], warm_up: int
    ) -> None:
        self._frames, self._size, self._warm_up = frames, size, warm_up
        self.num_frames = self._written = 0
        self.at: list[int] = []
        self.held: list[int] = []
        self.anonymous: list[int] = []
        tell = VideoOutputs._tell

        def seen(outputs, *arguments) -> None:
            tell(outputs, *arguments)
            self._written += 1

        monkeypatch.setattr(VideoOutputs, '_tell', seen)

    def scenes(self) -> Iterator[np.ndarray]:
        try:
            for start in range(0, self._frames, 20):
                for frame in images(20, seed=start):
                    if self.num_frames >= self._warm_up and not self.num_frames % EVERY:
                        self._measure()
                    self.num_frames += 1
                    yield cv2.resize(frame, self._size, interpolation=cv2.INTER_CUBIC)
        finally:
            tracemalloc.stop()

    def _measure(self) -> None:
        limit = time.monotonic() + 300
        while self._written < self.num_frames:
            assert time.monotonic() < limit, f'{self._written} frames are written'
            time.sleep(0.01)
        gc.collect()  # rings of references are held until it likes to
        if not tracemalloc.is_tracing():
            tracemalloc.start(1)
            return  # what is replaced after this looks new, once
        self.at.append(self.num_frames)
        self.held.append(tracemalloc.get_traced_memory()[0])
        ctypes.CDLL('libc.so.6').malloc_trim(0)
        rollup = Path('/proc/self/smaps_rollup').read_text().split('Anonymous:')[1]
        self.anonymous.append(int(rollup.split()[0]) * 1024)

    def bytes_a_frame(self) -> float:
        """By how much what is held grows: the median slope of two measurements.

        A buffer that fills and empties moves a few of them.
        """
        assert len(self.held) > 4
        return float(theilslopes(self.held, self.at)[0])

    def anonymous_growth(self) -> int:
        """Bytes by which the least of the second half is above that of the first.

        Not a slope: threads and encoders at work leave it some MiB higher for a while.
        """
        half = len(self.anonymous) // 2
        assert half > 1
        return min(self.anonymous[half:]) - min(self.anonymous[:half])
