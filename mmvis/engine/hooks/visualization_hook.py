"""Writes an mp4 a video while a model is validated or tested."""

import os
from collections.abc import Mapping, Sequence

import mmcv
import numpy as np
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...registry import HOOKS
from ...visualization.draw import display_scale, draw_tracks
from ...visualization.letterbox import letterbox
from ...visualization.video_tracks import safe_stem
from ...visualization.video_writer import Mp4Writer


@HOOKS.register_module()
class VISVisualizationHook(Hook):
    """Draws predicted tracks over their frames and writes them as mp4s.

    Every rank writes the videos that it predicts. A video may come in chunks, in order.
    Frames are read again from ``img_path``: predictions are at the original size.
    mp4s go to ``<work_dir>/<timestamp>/<out_dir>`` (an absolute ``out_dir`` is taken as
    it is), those of validation into its ``iter_<n>`` folder.

    Args:
        draw (bool): False does nothing: a config carries the hook and
            ``--cfg-options default_hooks.visualization.draw=True`` switches it on.
        out_dir (str): See above.
        score_thr (float): Instances below are not drawn in a frame.
        fps (float): Frames a second of the mp4s.
        max_videos (int, optional): At most so many a rank and evaluation.
        backend_args (dict, optional): Of mmengine's file client that reads frames.
    """

    priority = 'LOW'

    def __init__(
        self,
        draw: bool = False,
        out_dir: str = 'vis',
        score_thr: float = 0.3,
        fps: float = 6.0,
        max_videos: int | None = None,
        backend_args: dict | None = None,
    ) -> None:
        self.draw = draw
        self.out_dir = out_dir
        self.score_thr = score_thr
        self.fps = fps
        self.max_videos = max_videos
        self.backend_args = backend_args
        self._writers: dict[object, Mp4Writer] = {}
        self._seen: set[object] = set()

    # mmengine calls these three for every mode.

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        if mode != 'train':
            self._close()
            self._seen = set()

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[TrackDataSample] | None = None,
        mode: str = 'train',
    ) -> None:
        """Append the frames of a batch of validation or test."""
        if not self.draw or mode == 'train':
            return
        loop, folder = runner.test_loop, self._folder(runner)
        if mode == 'val':
            loop, folder = runner.val_loop, f'{folder}/iter_{runner.iter}'
        self._append(outputs or (), folder, loop.dataloader.dataset.metainfo)

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        if mode == 'train':
            return
        self._close()
        if self.draw and self._seen:
            runner.logger.info(
                f'Drew {len(self._seen)} videos into {self._folder(runner)}'
            )

    def _folder(self, runner: Runner) -> str:
        # os.path.join drops what stands before an absolute path.
        return os.path.join(runner.work_dir, runner.timestamp, self.out_dir)

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _append(
        self, outputs: Sequence[TrackDataSample], folder: str, meta: Mapping
    ) -> None:
        for sample in outputs:
            for frame in sample.video_data_samples:
                writer = self._writer(frame, folder)
                if writer is not None:
                    image = self._draw_frame(frame, meta.get('classes'))
                    size = writer.frame_size or (image.shape[1], image.shape[0])
                    writer.write(letterbox(image, *size))
                    self._close_ended(frame)

    def _writer(self, frame: DetDataSample, folder: str) -> Mp4Writer | None:
        """The video's writer; None for one beyond ``max_videos``."""
        video_id = frame.metainfo['video_id']
        if video_id not in self._seen:
            if self.max_videos is not None and len(self._seen) >= self.max_videos:
                return None
            self._seen.add(video_id)
            name = os.path.basename(os.path.dirname(frame.metainfo['img_path']))
            stem = safe_stem(f'{video_id}_{name}')
            path = os.path.join(folder, f'{stem}.mp4')
            self._writers[video_id] = Mp4Writer(path, self.fps)
        return self._writers.get(video_id)

    def _close_ended(self, frame: DetDataSample) -> None:
        """Close at the last frame, so that few files are open at a time."""
        length = frame.metainfo.get('ori_video_length')
        if length is not None and frame.metainfo.get('frame_id') == length - 1:
            self._writers.pop(frame.metainfo['video_id']).close()

    def _draw_frame(
        self, frame: DetDataSample, class_names: Sequence[str] | None
    ) -> np.ndarray:
        path = frame.metainfo['img_path']
        image = mmcv.imfrombytes(get(path, backend_args=self.backend_args))
        if image is None:
            raise ValueError(f'{path} cannot be decoded as an image.')
        scale = display_scale(image.shape[1])
        instances = frame.pred_track_instances
        scores = instances.scores.detach().cpu().numpy()
        kept = (scores >= self.score_thr).nonzero()[0].tolist()
        ids = instances.instances_id.tolist()
        labels = instances.labels.tolist()
        return draw_tracks(
            image,
            [instances.masks[i] for i in kept],
            [ids[i] for i in kept],
            [labels[i] for i in kept],
            scores[kept],
            class_names,
            scale=scale,
        )
