"""Videos in, tracked instances out."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvis.dependencies import check_for_models
from mmvis.runtime.exported_model import load_exported
from mmvis.runtime.frame_session import FrameSession
from mmvis.runtime.model_file import ModelFile, is_exported
from mmvis.runtime.session import RuntimeSession

from .frame_sources import FrameSource, open_source
from .frame_stream import FrameStream, Stepped
from .notices import warn
from .outputs import VideoOutputs
from .progress import progress_bar
from .requests import ON_ERROR, check_chunk
from .video_result import VideoResult

# An exported model needs neither torch nor mmengine, so nothing here imports them for
# one.
if TYPE_CHECKING:
    import torch
    from mmengine.config import Config

    from .loading import LoadedModel
    from .viewers import Viewer


class VISInferencer:
    """A loaded video model: a callable for whole videos, a generator for streams.

    Args:
        config (str | PathLike | Config): A config, its file, or the name of one that
            comes with mmvis, such as ``'stmask_r50'``. Or the ``.onnx`` file of an
            exported model (``python -m mmvis export``), which has its weights and
            takes none of the other arguments but ``device`` and, with OpenVINO,
            ``half``.
        checkpoint (str | PathLike | Mapping, optional): File, URL or state dict; by
            default what the config's ``load_from`` names. Files are read without
            running what they contain.
        device (str, optional): By default the first GPU where there is one. For an
            exported model also 'openvino'.
        half (bool): Feature maps in half precision (bfloat16 on a CPU).
        compile (bool): Compile the network with torch.compile; the first frames of each
            size take long then.
        graph (bool, optional): Record the network as CUDA graphs, one for each number
            and size of frames, and replay them; by default on a GPU, unless compiled.
        cfg_options (dict, optional): Entries of the config to replace, by dotted key.

    Raises:
        ConfigNotFoundError, CheckpointError, DeviceError, ValueError: With a sentence
            that says what to do.

    Examples:
        >>> inferencer = VISInferencer('stmask_r50', 'stmask_r50.pth')
        >>> for image, result in inferencer.stream('video.mp4'):
        ...     print(result.ids, result.names)
        >>> video = inferencer('video.mp4', out='seen/video.mp4')
        >>> session = inferencer.session()
        >>> result = session.step(image)
    """

    def __init__(
        self,
        config: str | os.PathLike | Config,
        checkpoint: str | os.PathLike | Mapping | None = None,
        *,
        device: str | torch.device | None = None,
        half: bool = False,
        compile: bool = False,
        graph: bool | None = None,
        cfg_options: dict | None = None,
    ) -> None:
        if is_exported(config):
            given = dict(checkpoint=checkpoint, compile=compile, graph=graph)
            _refuse_for_exported(config, cfg_options=cfg_options, **given)
            self._open_exported(str(config), device, half)
        else:
            self._load(config, checkpoint, device, cfg_options, half, compile, graph)

    def _load(
        self,
        config: str | os.PathLike | Config,
        checkpoint: str | os.PathLike | Mapping | None,
        device: str | torch.device | None,
        cfg_options: dict | None,
        half: bool,
        compile: bool,
        graph: bool | None,
    ) -> None:
        from .faster_network import compile_network, use_half_precision
        from .graphed_network import use_graphs
        from .loading import load_model

        loaded = load_model(config, checkpoint, device, cfg_options)
        if half:
            use_half_precision(loaded.model)
        if compile:
            compile_network(loaded.model)
        on_gpu = next(loaded.model.parameters()).is_cuda
        if graph and not on_gpu:
            raise ValueError('graph=True records CUDA graphs, which need a GPU.')
        if on_gpu and (not compile if graph is None else graph):
            use_graphs(loaded.model, warn)
        self._take(loaded)

    def _take(self, loaded: LoadedModel) -> None:
        from .video_session import Preparation, VideoSession

        self.model: Any = loaded.model
        self.class_names = loaded.class_names
        self.category_ids = loaded.category_ids
        self._prepare = Preparation(loaded.pipeline, loaded.model)
        self._new_session: Callable[[], Any] = lambda: VideoSession(
            loaded.model, self._prepare, loaded.class_names
        )

    def _open_exported(
        self, path: str, device: str | torch.device | None, half: bool
    ) -> None:
        file = ModelFile(path, None if device is None else str(device), half=half)
        if file.about['model'] == 'features':
            check_for_models()
            from .exported_features import load_features

            self._take(load_features(file))
            return
        loaded = load_exported(file)
        self.model = loaded.runner
        self.class_names = loaded.class_names
        self.category_ids = loaded.category_ids
        self._new_session = lambda: RuntimeSession(loaded.runner, loaded.class_names)

    def session(self) -> FrameSession:
        """A new video for frames that you bring yourself; any number at once."""
        return self._new_session()

    def stream(
        self,
        source: Any,
        *,
        chunk: int = 1,
        on_error: str = 'stop',
        read_ahead: int = 8,
        on_damage: Callable[[int, str], None] | None = None,
        session: FrameSession | None = None,
    ) -> Generator[Stepped, None, None]:
        """Frames and their tracked instances, online and in constant memory.

        Args:
            source: What :func:`open_source` takes: a video file, a folder of images, a
                list or iterator of arrays or paths, the number of a camera.
            chunk (int): Frames that go through the network at once. Results are the
                same; a frame's comes when its chunk is full.
            on_error (str): What a frame does that cannot be read, or that is too much
                for the memory: 'stop' ends with an error that names it, 'skip' leaves
                it out, with a warning. A chunk that is too much is then tried again
                frame by frame.
            read_ahead (int): Frames that a thread decodes ahead; 0: no thread.
            on_damage (Callable, optional): Is told the number of a frame left out and
                what is wrong with it, in the place of the warning.
            session (optional): Of :meth:`session`, to go on with: the source is the
                next part of the video that it has seen, and ids go on.

        Yields:
            tuple[np.ndarray, FrameResult]: The frame, (h, w, 3) uint8 BGR, and what is
            in it; ``result.frame_id`` is its number in the source.

        Raises:
            ValueError, OSError: The source, or a frame of it, cannot be used.
        """
        if on_error not in ON_ERROR:
            raise ValueError(f'on_error is one of {ON_ERROR}, not {on_error!r}.')
        check_chunk(chunk)
        # Opened here and not at the first frame, so that mistakes are told at once.
        frames = FrameStream(
            open_source(source),
            self.session() if session is None else session,
            chunk=chunk,
            whole=getattr(self.model, 'needs_whole_video', False),
            skips=on_error == 'skip',
            read_ahead=read_ahead,
            on_damage=on_damage,
        )
        return iter(frames)

    def __call__(
        self,
        source: Any,
        out: str | os.PathLike | None = None,
        save: Sequence[str] = ('mp4', 'json'),
        *,
        chunk: int = 8,
        on_error: str = 'stop',
        score: float = 0.3,
        classes: Sequence[str | int] | None = None,
        fps: float | None = None,
        keep_frames: bool = True,
        progress: bool = True,
    ) -> VideoResult:
        """Predict a whole video and write what is asked for.

        Args:
            source: See :meth:`stream`.
            out (str | os.PathLike, optional): ``name.mp4``, whose name without suffix
                all files begin with, or a folder. None: nothing is written.
            save (Sequence[str]): Of 'mp4' (tracks drawn), 'json' (YouTube-VIS results,
                and the annotation file they refer to), 'html' (a page that plays the
                video, with tracks to be switched), 'sheet' (a contact sheet), 'csv',
                'mots' (MOTS txt), 'cvat' and 'cvat-tracks' (an xml to correct by hand,
                of masks or polygons), 'masks' and 'crops' (a folder a track with an
                image a frame).
            chunk (int): See :meth:`stream`.
            on_error (str): See :meth:`stream`.
            score (float): Instances below are neither drawn nor written as masks; in
                the json, tracks whose mean is below.
            classes (Sequence[str | int], optional): Only these, by name or label.
            fps (float, optional): Of the mp4; by default the source's, or 10.
            keep_frames (bool): Whether the result holds every frame's instances.
            progress (bool): A progress bar, where stderr is a terminal.

        Returns:
            VideoResult: Tracks, frames, and the files that were written.

        Raises:
            KeyboardInterrupt, or an error of the source: After all files are finished
            with the frames so far.
        """
        opened = open_source(source)
        video = self.new_result(opened, keep_frames)
        self.predict_into(
            video,
            opened,
            out,
            save,
            chunk=chunk,
            on_error=on_error,
            score=score,
            classes=classes,
            fps=fps,
            progress=progress,
        )
        return video

    def new_result(self, source: FrameSource, keep_frames: bool = True) -> VideoResult:
        """A result without a frame, for :meth:`predict_into`."""
        return VideoResult(source, self.class_names, self.category_ids, keep_frames)

    def predict_into(
        self,
        video: VideoResult,
        source: FrameSource,
        out: str | os.PathLike | None = None,
        save: Sequence[str] = ('mp4', 'json'),
        *,
        chunk: int = 8,
        on_error: str = 'stop',
        score: float = 0.3,
        classes: Sequence[str | int] | None = None,
        fps: float | None = None,
        progress: bool = True,
        session: FrameSession | None = None,
        viewers: Sequence[Viewer] = (),
    ) -> None:
        """As calling the inferencer, for a caller who wants what there is when it ends
        early.

        The arguments that are not explained here are those of a call.

        Args:
            video (VideoResult): Of :meth:`new_result`; filled frame by frame.
            source (FrameSource): Of ``open_source``.
            session (optional): To go on with; see :meth:`stream`.
            viewers (Sequence[Viewer]): Are shown what the mp4 shows; the caller closes
                them.
        """
        check_chunk(chunk)
        outputs = None
        if out is not None:
            rate = (source.fps or 10.0) if fps is None else fps
            outputs = VideoOutputs(
                *(Path(out), save, video, rate, score, classes),
                source=source.path,
                length=source.length,
                time_of=source.time_of if fps is None else None,
                viewers=viewers,
            )

        def damaged(index: int, damage: str) -> None:
            video.skip(index, damage)
            if outputs is not None:
                outputs.repeat()
            warn(f'{damage} It is left out.')

        stream = self.stream(
            source,
            chunk=chunk,
            on_error=on_error,
            on_damage=damaged,
            session=session,
        )
        try:
            with progress_bar(source.name, source.length, progress) as advance:
                for image, result in stream:
                    if outputs is not None:
                        outputs.wait_for_room()
                    video.add(result)
                    if outputs is not None:
                        outputs.write(image, result)
                    advance()
        finally:
            stream.close()
            if outputs is not None:
                outputs.close()


def _refuse_for_exported(path: Any, **given: Any) -> None:
    """An exported model is as it was exported."""
    names = [name for name, value in given.items() if value]
    if names:
        raise ValueError(
            f'{path} is an exported model and takes no {names[0]}: weights and '
            'settings are those of its export.'
        )
