"""What the command was asked for: videos, each with its files, by one inferencer."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmvis.dependencies import check_for_models
from mmvis.engine.checkpoint_files import find_checkpoint, is_address
from mmvis.engine.config_files import read_config
from mmvis.runtime.model_file import is_exported
from mmvis.structures.frame_result import labels_of

from .config_names import find_config
from .detections import Detections, PartOfDetections, open_detections
from .errors import NoFramesError, UnreadableSourceError
from .output_places import refuse_places
from .parts import PartOfSource, part_of
from .pipe_source import open_pipe
from .requests import check_chunk, check_score, output_paths
from .several_videos import all_videos, folders_of

if TYPE_CHECKING:
    from mmengine.config import Config

    from .frame_sources import FrameSource
    from .video_result import VideoResult
    from .viewers import Viewer


class Job(NamedTuple):
    """A video, where its files go, and the file of its masks if there is one."""

    source: FrameSource
    out: Path
    detections: str | None = None


class Run:
    """What the command was asked for, looked at before anything heavy is loaded.

    Args:
        args (argparse.Namespace): Of the command.
        watching (ExitStack): Closes what shows the video.

    Attributes:
        jobs (list[Job]): Video by video.
        left_out (int): How many videos could not be opened and were left out.
    """

    def __init__(self, args: argparse.Namespace, watching: ExitStack) -> None:
        self._args, self.left_out = args, 0
        check_chunk(args.chunk)
        check_score(args.score)
        if args.go_on and (args.start, args.stop, args.stride) != ('0', None, 1):
            raise ValueError(
                '--continue takes whole videos: leave --start, --stop and --stride out.'
            )
        self.jobs = self._jobs()
        self._inferencer = make_inferencer(args)
        least = getattr(self._inferencer.model, 'score_thr', 0.0)
        if args.score < least:
            print(
                f'mmvis: the config leaves out scores below {least:g} '
                '(model.score_thr), so --score has no effect below it.',
                file=sys.stderr,
            )
        if args.go_on and getattr(self._inferencer.model, 'needs_whole_video', False):
            raise ValueError(
                'This model needs a whole video at once, and cannot --continue.'
            )
        self._viewers = self._open_viewers(watching)
        self._session: Any = None

    def _jobs(self) -> list[Job]:
        args = self._args
        words = all_videos(args.video)
        one = len(words) == 1
        if args.detections is not None:
            check_detections(args.detections, len(words), args.go_on)
        jobs, opened = [], []
        for number, word in enumerate(words):
            try:
                source = look_at_source(word, args)
            except (UnreadableSourceError, NoFramesError) as error:
                if one or args.go_on or args.on_error == 'stop':
                    raise
                self.left_out += 1
                print(f'mmvis: left out: {error}', file=sys.stderr)
                continue
            opened.append((number, source))
        names = [source.name or 'video' for _, source in opened]
        if one:
            folders = [Path(args.out or f'{names[0]}_mmvis')]
        else:
            folders = folders_of(names, args.out)
        for (number, source), out in zip(opened, folders, strict=True):
            refuse_places(*output_paths(out, args.save, source.name), source.path)
            masks = args.detections
            found = masks and masks[number if len(masks) > 1 else 0]
            jobs.append(Job(source, out, found))
        return jobs

    def _open_viewers(self, watching: ExitStack) -> list[Viewer]:
        # They import OpenCV, which asking for help does without.
        from .viewers import LivePage, LiveWindow

        viewers: list[Viewer] = []
        if self._args.serve is not None:
            page = LivePage(self._args.serve)
            watching.callback(page.close)
            viewers.append(page)
            print(f'watch at {page.address}', flush=True)
        if self._args.show:
            window = LiveWindow()
            watching.callback(window.close)
            viewers.append(window)
        return viewers

    def do(self, job: Job) -> None:
        """Track a video and report."""
        args, inferencer = self._args, self._inferencer
        session = self._session_of(job)
        started = time.perf_counter()
        video = inferencer.new_result(job.source, keep_frames=False)
        done = False
        try:
            inferencer.predict_into(
                video,
                job.source,
                out=job.out,
                save=args.save,
                chunk=args.chunk,
                on_error=args.on_error,
                score=args.score,
                classes=self._classes_of(job),
                fps=args.fps,
                progress=not args.quiet,
                session=session,
                viewers=self._viewers,
            )
            done = True
        finally:
            if done or video.num_frames:
                report(video, time.perf_counter() - started)
        if job.detections is not None and not args.go_on:
            inferencer.tell_misfit(video)

    def _classes_of(self, job: Job) -> list[str] | None:
        """Those that its masks can be of; which there are was checked for all files."""
        chosen: list[str] | None = self._args.classes
        if chosen is None or job.detections is None:
            return chosen
        known = self._inferencer.class_names
        return [name for name in chosen if name in known]

    def _session_of(self, job: Job) -> Any:
        """A new one, or the one before where ids are to go on."""
        if self._args.go_on and self._session is not None:
            return self._session
        if job.detections is not None:
            self._inferencer.use(masks_of(job))
        self._session = self._inferencer.session()
        return self._session


def look_at_source(word: str, args: argparse.Namespace) -> FrameSource:
    """The frames of a video that are asked for."""
    from .frame_sources import open_source

    if word == '-':
        source = open_pipe(args.size, args.pix_fmt)
    else:
        source = open_source(source_of(word), args.reconnect)
    return part_of(source, args.start, args.stop, args.stride)


def check_detections(files: Sequence[str], videos: int, go_on: bool) -> None:
    """Refuse a number of files that no rule joins with that of the videos."""
    if go_on and len(files) > 1:
        raise ValueError(
            'With --continue the frames of all videos are counted through: give one '
            'file of detections.'
        )
    if not go_on and len(files) != videos:
        raise ValueError(
            f'--detections is given {len(files)} times for {videos} videos: give it '
            'once for each, in their order, or --continue where one file is of all.'
        )


def check_classes(chosen: Sequence[str], known: Sequence[Sequence[str]]) -> None:
    """Refuse a class that no file of detections has.

    One file may lack what others have. Where nothing was found nothing is known either,
    and there is nothing to choose from.
    """
    names = list(dict.fromkeys(chain.from_iterable(known)))
    if names:
        labels_of(chosen, names)


def masks_of(job: Job) -> Detections:
    """The masks of the frames that a job takes."""
    assert job.detections is not None
    found = open_detections(job.detections)
    if isinstance(job.source, PartOfSource):
        return PartOfDetections(found, job.source.start, job.source.stride)
    return found


def make_inferencer(args: argparse.Namespace) -> Any:
    """What finds the instances, of a config that was looked at first."""
    if args.detections is not None:
        from .mask_inferencer import MaskInferencer

        # All are looked at before the first is used, and one at a time kept.
        known = [open_detections(path).class_names or () for path in args.detections]
        check_classes(args.classes or (), known)
        return MaskInferencer(args.detections[0])
    config: Config | str = args.config
    if not is_exported(args.config):
        check_for_models()
        config = read_config(find_config(args.config))
        if args.weights and not is_address(args.weights):
            find_checkpoint(args.weights)
    from mmvis.apis import VISInferencer  # which takes seconds

    return VISInferencer(
        config,
        args.weights,
        device=args.device,
        half=args.half,
        compile=args.compile,
        graph=False if args.no_graph else None,
        cfg_options=args.cfg_options,
    )


def source_of(text: str) -> str | int:
    """The number of a camera, where there is no file of this name."""
    return int(text) if text.isdecimal() and not os.path.exists(text) else text


def report(video: VideoResult, seconds: float) -> None:
    """Say what was found and written."""
    rate = video.num_frames / seconds if seconds else 0
    print(f'{video.name}: {video.num_frames} frames in {seconds:.1f} s ({rate:.1f}/s)')
    for index, damage in video.damaged.items():
        print(f'left out: frame {index}: {damage}')
    for path in video.files.values():
        print(f'wrote {path}')
    if video.codec == 'mp4v' and 'mp4' in video.files:
        from mmvis.visualization.video_encoders import HOW_TO_PLAY

        print(HOW_TO_PLAY.format(name=video.files['mp4'].name))
