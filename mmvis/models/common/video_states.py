"""Per-video state of a model under test, kept apart from its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class VideoStates:
    """States of the videos that are being predicted chunk by chunk, by video id.

    A state begins at a video's first frame, goes on with its next one, and is dropped
    after the last. Copies of a model (EMA, deepcopy, pickle) start without any.
    """

    def __init__(self) -> None:
        self._states: dict[Any, _Running] = {}

    def __deepcopy__(self, memo: dict) -> VideoStates:
        return VideoStates()

    def __reduce__(self):
        return VideoStates, ()

    def __len__(self) -> int:
        return len(self._states)

    def clear(self) -> None:
        """Forget every video."""
        self._states.clear()

    def enter(
        self,
        video_id: Any,
        first_frame: int,
        num_frames: int,
        video_length: int,
        init: Callable[[], Any],
    ) -> Any:
        """The state with which a chunk of a video has to be predicted.

        Args:
            video_id: Identity of the video.
            first_frame (int): Number of the chunk's first frame, from 0.
            num_frames (int): Frames in the chunk.
            video_length (int): Frames in the video.
            init (Callable): Makes the state of a new video.

        Raises:
            RuntimeError: The chunk does not follow the one before it.
        """
        running: _Running | None
        if first_frame == 0:
            running = self._states[video_id] = _Running(init())
        else:
            running = self._states.get(video_id)
            expected = running.next_frame if running else 0
            if running is None or first_frame != expected:
                raise RuntimeError(
                    f'Video {video_id} goes on with frame {first_frame}, but frame '
                    f'{expected} is next: frames must come in order and all of them '
                    "to one process (sampler=dict(type='ClipSampler'))."
                )
        running.next_frame = first_frame + num_frames
        if running.next_frame >= video_length:
            del self._states[video_id]
        return running.state


class _Running:
    def __init__(self, state: Any) -> None:
        self.state = state
        self.next_frame = 0
