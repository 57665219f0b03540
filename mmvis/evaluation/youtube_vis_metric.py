"""The metric of ``mim test`` and of validation during training."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import (
    broadcast_object_list,
    collect_results,
    gather_object,
    get_backend,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmvis.registry import METRICS
from mmvis.structures.annotation_file import VISAnnotations, read_annotation_file

from .area_ranges import OF_DATA, AreaRanges, check_area_ranges
from .evaluate_results import build_ground_truth, check_results, checked_results
from .submission import official_results, write_submission
from .summary import Metrics, evaluate_tracks, format_tables
from .tracking_metrics.measure import Score, check_score, measure
from .tracking_metrics.tables import format_track_metrics
from .tracking_metrics.trackeval_package import check_trackeval
from .video_tracks import VideoTracks
from .vis_eval import GroundTruth

FRAME_KEYS = ('video_id', 'frame_id', 'ori_shape', 'ori_video_length')


@METRICS.register_module()
class YouTubeVISMetric(BaseMetric):
    """AP and AR of video instance segmentation by the YouTube-VIS protocol.

    Ground truth is the annotation file's own. Predictions arrive as TrackDataSamples,
    whole videos or chunks of them, in order, each video on one rank; a frame's
    ``pred_track_instances`` has scores, labels, instances_id, masks (RLE, or bool at
    the original size) and optionally class_scores. Results carry the file's category
    ids.

    Args:
        ann_file (str, optional): the annotation file. The dataset's by default.
        format_only (bool): write a submission, compute nothing.
        outfile_prefix (str, optional): writes ``<prefix>.json`` and ``<prefix>.zip``.
        area_ranges (dict | str, optional): name to (lowest, highest) mean area; the
            protocol's s, m, l at 128^2 and 256^2 pixels by default. 'data': a third of
            the file's objects each, which the log tells.
        area_unit (str): 'pixel', or 'frame': ranges are fractions of the frame's area.
        classwise (bool): report every category, as ``<name>_precision``.
        per_attribute (bool): report ``<attribute>_AP`` where videos carry attributes.
        count_empty (bool): count an annotation without a pixel in any frame as a
            missed object, as the official code does.
        class_agnostic (bool): report all but the categories again with all categories
            as one, as ``<key>_agnostic``.
        track_metrics (bool | float | str): report HOTA, DetA, AssA, IDF1, MOTA and
            their like, too, of tracks of this score or more; True is 0.3, 'best' what
            a sweep finds. Needs TrackEval.
        collect_device (str): see mmengine's BaseMetric.
        prefix (str, optional): see mmengine's BaseMetric.
        collect_dir (str, optional): see mmengine's BaseMetric.
    """

    default_prefix = 'youtube_vis'

    def __init__(
        self,
        ann_file: str | None = None,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        area_ranges: AreaRanges = None,
        area_unit: str = 'pixel',
        classwise: bool = False,
        per_attribute: bool = True,
        count_empty: bool = False,
        class_agnostic: bool = False,
        track_metrics: bool | float | str = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if format_only and outfile_prefix is None:
            raise ValueError(
                'YouTubeVISMetric(format_only=True) needs outfile_prefix, the path '
                "without suffix to write to, such as 'work_dirs/submission/results'"
            )
        check_area_ranges(area_ranges, area_unit)
        self.track_score: Score | None = None
        if track_metrics is not False and track_metrics is not None:
            self.track_score = check_score(track_metrics)
            check_trackeval()
        self.ann_file = ann_file
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.area_ranges = area_ranges
        self.area_unit = area_unit
        self.classwise = classwise
        self.per_attribute = per_attribute
        self.count_empty = count_empty
        self.class_agnostic = class_agnostic
        self._open: dict[Any, VideoTracks] = {}
        self._annotations: VISAnnotations | None = None

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the dataset."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        # The loops set this before the first frame is predicted: a file without labels
        # is better refused now than after hours.
        self._dataset_meta = dataset_meta
        if not self.format_only and is_main_process():
            truth = self._build_ground_truth()
            if self.area_ranges == OF_DATA:
                print_log(_told(truth.area_ranges, self.area_unit), logger='current')

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take a chunk of frames of each of the batch's videos.

        Args:
            data_batch: not used.
            data_samples: TrackDataSamples, or what their ``to_dict`` makes of them.
        """
        for sample in data_samples:
            frames = (
                sample['video_data_samples'] if isinstance(sample, dict) else sample
            )
            for frame in frames:
                if isinstance(frame, BaseDataElement):
                    frame = frame.to_dict()
                self._process_frame(frame)

    def _process_frame(self, frame: dict) -> None:
        missing = [key for key in FRAME_KEYS if key not in frame]
        if missing:
            raise ValueError(
                f'a frame of video {frame.get("video_id")!r} has no {missing}: the '
                "test pipeline's packing (PackVISInputs) has to keep these meta keys"
            )
        video_id, frame_id = frame['video_id'], frame['frame_id']
        if 'pred_track_instances' not in frame:
            raise ValueError(
                f'video {video_id!r}, frame {frame_id}: no pred_track_instances; '
                'YouTubeVISMetric needs a model that tracks'
            )
        tracks = self._open.get(video_id)
        if tracks is None:
            if any(video['video_id'] == video_id for video in self.results):
                raise ValueError(f'video {video_id!r} was predicted twice')
            tracks = VideoTracks(
                video_id, frame['ori_video_length'], frame['ori_shape'][:2]
            )
            self._open[video_id] = tracks
        instances = frame['pred_track_instances']
        if isinstance(instances, BaseDataElement):
            instances = instances.to_dict()
        tracks.add_frame(frame_id, instances)
        if tracks.finished:
            self.results.append(self._open.pop(video_id).to_results())

    def evaluate(self, size: int) -> dict:
        """Gather all ranks' videos, evaluate on the first, give all the numbers.

        mmengine's own version cuts what it gathers to ``size`` items, one a data
        sample; here a rank has any number of videos, and each counts.

        Args:
            size: not used.
        """
        unfinished = [
            f'video {tracks.video_id!r} ({tracks.num_frames} of {tracks.length} frames)'
            for tracks in self._open.values()
        ]
        part = [{'videos': list(self.results), 'unfinished': unfinished}]
        # Whatever happens below, the next epoch starts afresh.
        self.results.clear()
        self._open.clear()
        parts = self._gather(part)
        outcome: list = [None, None]
        if is_main_process():
            try:
                outcome[0] = self._evaluate_parts(parts)
            except Exception as error:
                # All ranks have to hear of it: they wait for the numbers.
                outcome[1] = error
        broadcast_object_list(outcome)
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]

    def _gather(self, part: list[dict]) -> list[dict]:
        """Every rank's part; only what the first gets counts."""
        if get_backend() == 'gloo':
            # By the network: other machines need not share a disk.
            return gather_object(part[0]) or []
        keywords = {}
        if self.collect_device == 'cpu':
            keywords['tmpdir'] = self.collect_dir
        return collect_results(part, get_world_size(), self.collect_device, **keywords)

    def _evaluate_parts(self, parts: list[dict]) -> dict:
        unfinished = [name for part in parts for name in part['unfinished']]
        if unfinished:
            raise ValueError(
                f'not all frames were predicted: {", ".join(unfinished)}. A video has '
                'to come whole on one rank: use ClipSampler, and let it finish'
            )
        metrics = self.compute_metrics([v for part in parts for v in part['videos']])
        if self.prefix:
            metrics = {f'{self.prefix}/{key}': v for key, v in metrics.items()}
        return metrics

    def compute_metrics(self, results: list[dict]) -> dict:
        """Numbers of a set of videos, '-' where there is nothing to find.

        Args:
            results: videos as ``VideoTracks.to_results`` gives them.

        Raises:
            ValueError: if a video occurs twice, or does not fit to the file.
        """
        seen = set()
        for video in results:
            if video['video_id'] in seen:
                raise ValueError(
                    f'video {video["video_id"]!r} was predicted twice, on two ranks or '
                    'in a padded batch: each has to come once (use ClipSampler)'
                )
            seen.add(video['video_id'])
        tracks = list(official_results(results, self._category_ids()))
        if self.outfile_prefix is not None:
            json_path, zip_path = write_submission(tracks, self.outfile_prefix)
            print_log(f'Wrote {json_path} and {zip_path}', logger='current')
        if self.format_only:
            return {}
        truth = self._build_ground_truth()
        self._check_videos(results)
        annotations = self._read()
        check_results(tracks, annotations)
        names = {c['id']: c['name'] for c in annotations.categories}
        metrics: Metrics = evaluate_tracks(
            truth,
            tracks,
            names if self.classwise else None,
            self.per_attribute,
            self.class_agnostic,
        )
        print_log(format_tables(metrics), logger='current')
        if self.track_score is not None:
            # With masks known to be whole, as the metrics of AP have them.
            whole = checked_results(tracks, annotations)
            measured = measure(truth, whole, names, self.track_score)
            print_log(format_track_metrics(measured, self.classwise), logger='current')
            metrics |= measured.flat(self.classwise)
        # '-' and not None or nan: it is what the log shall show.
        return {key: '-' if v is None else v for key, v in metrics.items()}

    def _read(self) -> VISAnnotations:
        if self._annotations is None:
            path = self.ann_file or (self.dataset_meta or {}).get('ann_file')
            if not path:
                raise ValueError(
                    'YouTubeVISMetric has no annotation file: set ann_file in '
                    "val_evaluator / test_evaluator (the dataset's metainfo names none)"
                )
            self._annotations = read_annotation_file(str(path))
        return self._annotations

    def _build_ground_truth(self) -> GroundTruth:
        return build_ground_truth(
            self._read(),
            self._category_ids(),
            self.area_ranges,
            self.area_unit,
            self.count_empty,
        )

    def _category_ids(self) -> list:
        """The file's category ids in the order of the labels."""
        meta = self.dataset_meta or {}
        if meta.get('category_ids') is not None:
            return list(meta['category_ids'])
        annotations = self._read()
        id_of = {c['name']: c['id'] for c in annotations.categories}
        classes = meta.get('classes') or list(id_of)
        unknown = [name for name in classes if name not in id_of]
        if unknown:
            raise ValueError(f"'{annotations.path}' has no categories {unknown}")
        return [id_of[name] for name in classes]

    def _check_videos(self, results: list[dict]) -> None:
        """Every predicted video is the file's; those not predicted are told of."""
        annotations = self._read()
        lengths = {video['id']: video['length'] for video in annotations.videos}
        path = annotations.path
        for video in results:
            video_id = video['video_id']
            if video_id not in lengths:
                raise ValueError(f"'{path}' has no video {video_id!r}")
            if video['length'] != lengths[video_id]:
                raise ValueError(
                    f'video {video_id!r} was predicted with {video["length"]} frames, '
                    f"in '{path}' it has {lengths[video_id]}"
                )
        missing = len(lengths) - len(results)
        if missing:
            print_log(
                f"{missing} of the {len(lengths)} videos of '{path}' were not "
                'predicted: their objects count as missed',
                logger='current',
                level=logging.WARNING,
            )


def _told(ranges: Mapping[str, Sequence[float]], unit: str) -> str:
    """What the log says of ranges that are taken from the data."""
    if not ranges:
        return 'Objects of the file are too few, or too alike, for ranges of area.'
    of = 'px' if unit == 'pixel' else 'of the frame'
    inner = [f'{name} up to {high:.4g}' for name, (_, high) in ranges.items()]
    return f'Ranges of mean area by the data: {", ".join(inner[:-1])} {of}, l above.'
