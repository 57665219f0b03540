"""Files of a predicted video, of all kinds that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.structures.frame_result import FrameResult, labels_of

from .notices import warn
from .output_places import check_places
from .requests import check_score, output_paths
from .video_result import VideoResult
from .viewers import Viewer
from .write_behind import WriteBehind
from .writers.cvat_task import CvatTask, CvatTracks
from .writers.drawn_video import DrawnVideo, TimeOf
from .writers.page import VideoPage
from .writers.results import ResultsFile
from .writers.sheet import SheetFile
from .writers.tables import CsvTable, MotsTable
from .writers.track_folders import CropFolders, MaskFolders
from .writers.writer import Writer


class VideoOutputs:
    """Writes a video's files while it is predicted; each is whole after ``close``.

    They are written in a thread, a few frames behind. Viewers are shown a frame at
    once, in the caller's thread, as windows want.

    Args:
        out (Path): ``name.mp4``: files are ``name.mp4``, ``name.json``, ... as in
            ``output_paths``. Anything else is a folder in which they are called after
            the video.
        kinds (Sequence[str]): Of ``requests.KINDS``; see ``writers/``.
        video (VideoResult): Gets the paths; its tracks are what the json holds.
        fps (float): Of the mp4 and the page.
        score (float): Lowest score of an instance that is drawn or written.
        classes (Sequence[str | int], optional): Only these.
        source (Path, optional): The file that the frames come from, if it is one.
        length (int, optional): Number of frames, if known.
        time_of (Callable, optional): Gives the time of a frame by its number, for the
            mp4; see ``FrameSource.time_of``.
        viewers (Sequence[Viewer]): Are shown what is written.

    Raises:
        ValueError: There is no such kind, class or score, ``out`` is a file of another
            kind, or files cannot be written there; see :func:`check_places`.
    """

    def __init__(
        self,
        out: Path,
        kinds: Sequence[str],
        video: VideoResult,
        fps: float,
        score: float = 0.3,
        classes: Sequence[str | int] | None = None,
        source: Path | None = None,
        length: int | None = None,
        time_of: TimeOf | None = None,
        viewers: Sequence[Viewer] = (),
    ) -> None:
        check_score(score)
        paths, stem = output_paths(out, kinds, video.name)
        self._video, self._score = video, score
        self._labels = (
            None if classes is None else labels_of(classes, video.class_names)
        )
        check_places(paths, stem, source)
        make: dict[str, Callable[[Path], Writer]] = {
            'mp4': lambda path: DrawnVideo(path, video, fps, time_of),
            'json': lambda path: ResultsFile(path, video, score, self._labels),
            'masks': lambda path: MaskFolders(path, video),
            'sheet': lambda path: SheetFile(path, video, length),
            'html': lambda path: VideoPage(path, video, fps),
            'csv': lambda path: CsvTable(path, video),
            'mots': lambda path: MotsTable(path, video),
            'crops': lambda path: CropFolders(path, video),
            'cvat': lambda path: CvatTask(path, video, score, self._labels),
            'cvat-tracks': lambda path: CvatTracks(path, video, score, self._labels),
        }
        self._viewers = viewers
        self._writers = [make[kind](path) for kind, path in paths.items()]
        self._behind = WriteBehind()
        self._failures: list[OSError] = []

    def wait_for_room(self) -> None:
        """Wait until the next frame can be taken at once.

        It is where ctrl-C mostly meets a run that writes slower than it finds: before
        the frame is in the tracks, so that no file has a frame more than others.
        """
        self._behind.wait_for_room()

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        """Take the next frame (h, w, 3) uint8 BGR and what is in it."""
        result = result.above(self._score)
        if self._labels is not None:
            result = result.of_classes(self._labels)
        self._behind.call(self._tell, 'write', image, result)
        for viewer in self._viewers:
            viewer.write(image, result)

    def repeat(self) -> None:
        """A damaged frame: the one before is shown again, so that times stay right."""
        self._behind.call(self._tell, 'repeat')

    def _tell(self, name: str, *arguments: Any) -> None:
        """Call a method of all writers; one that fails is left out from then on.

        Raises:
            OSError: There is none left.
        """
        for writer in [*self._writers]:
            try:
                with _naming(writer.path):
                    getattr(writer, name)(*arguments)
            except OSError as error:
                self._failures.append(error)
                self._writers.remove(writer)
                writer.give_up()
                if not self._writers:
                    raise
                warn(f'{error} The other files go on.')

    def close(self) -> None:
        """Finish all files with the frames so far.

        One that cannot be written does not keep the others from it.

        Raises:
            OSError: One could not be written, now or before.
        """
        with ExitStack() as finishing:  # calls them in the opposite order
            finishing.callback(self._fail)
            for writer in reversed(self._writers):
                finishing.callback(self._finish, writer)
            finishing.callback(self._behind.close)

    def _finish(self, writer: Writer) -> None:
        if writer not in self._writers:  # given up by the last of what waited
            return
        try:
            with _naming(writer.path):
                self._video.files.update(writer.close())
        except OSError as error:
            self._failures.append(error)
            writer.give_up()

    def _fail(self) -> None:
        failures, self._failures = self._failures, []
        if failures:
            raise failures[0]


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what the system says, where no sentence does so already."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(f'{path} cannot be written: {error.strerror}.') from None
