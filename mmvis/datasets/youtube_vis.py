"""Datasets of the YouTube-VIS form: YouTube-VIS 2019, 2021, 2022, OVIS and own ones."""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.visualization.palette import get_palette
from mmengine import fileio
from mmengine.logging import print_log

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import DATASETS
from mmvis.structures import AnnotationWarning, VISAnnotations, read_annotation_file
from mmvis.structures.frame_names import refuse_outside_links

from .class_names import match_categories
from .frame_files import FRAME_ERRORS
from .frame_index import FrameIndex
from .sample_draws import DrawsByIndex
from .video_items import add_object, clip_of, video_item

with quiet_mmdet():
    from mmdet.datasets import BaseVideoDataset

_FILTER_DEFAULTS = {'filter_empty_gt': True, 'min_size': 0}


@DATASETS.register_module()
class YouTubeVISDataset(DrawsByIndex, BaseVideoDataset):
    """Videos with per-frame masks, read from the official json as it is.

    An item is one video::

        video_id, video_length, ori_video_length    # frames of the video
        images: one dict a frame
            img_path, file_name, height, width, video_id
            img_id          # int, unique in the file
            frame_id        # position in file_names, from 0
            instances: one dict an object that the frame shows
                bbox            # [x1, y1, x2, y2] in pixels, the mask's tight box
                bbox_label      # index into metainfo['classes']
                mask            # RLE of the video's size, counts of type str
                instance_id     # the annotation's id
                ignore_flag     # 1 for iscrowd

    Index with a video, with (video, frame), or in test mode with (video, start, stop)
    for a clip. In training, frame is the key frame: one without a target is replaced
    by the nearest that has one, and for a plain video index the key frame is drawn from
    those that have one. All frames stay available as reference frames.

    In test mode every video and object is kept, annotations may be missing, and nothing
    is drawn. ``metainfo`` holds ``classes``, ``category_ids`` (the file's ids in the
    order of the labels), ``ann_file`` and ``palette`` once the file is read.

    Args:
        *args: As for mmdet's BaseVideoDataset.
        min_area (int): Least size of a training target: an object that shows fewer
            pixels in a frame is background there. Not used in test mode.
        on_damage (str): What a frame that is missing, damaged or of another size does
            to training: 'stop' ends it, 'skip' takes another video in the place of the
            clip, with one warning a kind and data worker. A test always stops.
        **kwargs: As for mmdet's BaseVideoDataset; different here are those below.

    Keyword Args:
        ann_file (str): Annotation file, relative to ``data_root``.
        metainfo (dict, optional): With ``classes``, labels follow that order and
            objects of other categories are left out; without, labels follow the order
            of the file's categories. Names are compared regardless of case and of
            spaces, hyphens and underscores.
        data_prefix (dict): ``img_path`` is the folder of frames under ``data_root``.
        filter_cfg (dict, optional): Of training. ``filter_empty_gt`` (True) leaves out
            videos without any target and keeps frames without one from being key
            frames; frames with a side below ``min_size`` pixels (0) are no key frames.

    Raises:
        FileNotFoundError: there is no such annotation file.
        ValueError: the file cannot be used (see ``read_annotation_file``), has no
            annotations although ``test_mode`` is False, or lacks a class of metainfo,
            or a frame lies outside of its folder.
    """

    def __init__(
        self, *args: Any, min_area: int = 4, on_damage: str = 'stop', **kwargs: Any
    ) -> None:
        if on_damage not in ('stop', 'skip'):
            raise ValueError(f"on_damage is 'stop' or 'skip', not {on_damage!r}.")
        self.min_area, self.on_damage = min_area, on_damage
        self._told: set[type] = set()
        self._frames: FrameIndex | None = None
        self._under_test: tuple[int, dict] | None = None
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the annotation file into items; called once by ``full_init``."""
        unknown = sorted(self.data_prefix.keys() - {'img_path'})
        if unknown:
            raise ValueError(
                f'data_prefix has no key {", ".join(unknown)}: the folder of frames is '
                'data_prefix=dict(img_path=...).'
            )
        try:
            with fileio.get_local_path(
                self.ann_file, backend_args=self.backend_args
            ) as path:
                content = read_annotation_file(path)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no annotation file '{self.ann_file}': set data_root and "
                'ann_file of the dataset.'
            ) from None
        if content.annotations is None and not self.test_mode:
            raise ValueError(
                f"'{self.ann_file}' has no annotations, as the public valid and test "
                'splits: it cannot be trained on. Use the train split, or set '
                'test_mode=True to write predictions.'
            )
        prefix = self.data_prefix.get('img_path') or ''
        refuse_outside_links(self.ann_file, prefix, content.videos)
        label_of = self._set_classes(content)
        tracks = defaultdict(list)
        for annotation in content.annotations or []:
            if annotation['category_id'] in label_of:
                tracks[annotation['video_id']].append(annotation)
        least_area = 0 if self.test_mode else self.min_area
        items, first_id = [], 0
        for video in content.videos:
            item = video_item(video, prefix, first_id)
            for annotation in tracks.pop(video['id'], []):
                label = label_of[annotation['category_id']]
                add_object(item, annotation, label, least_area)
            items.append(item)
            first_id += video['length']
        return items

    def _set_classes(self, content: VISAnnotations) -> dict[int, int]:
        """Fill metainfo; returns the label of each category id of the file."""
        names = {c['name']: c['id'] for c in content.categories}
        classes = self._metainfo.get('classes')
        if classes is None:
            classes = tuple(names)
        classes = (classes,) if isinstance(classes, str) else tuple(classes)
        ids = match_categories(self.ann_file, classes, names)
        label_of = {category: label for label, category in enumerate(ids)}
        others = sorted(set(names.values()) - set(ids))
        left_out = [
            annotation
            for annotation in content.annotations or []
            if annotation['category_id'] not in label_of
        ]
        if left_out:
            used = {annotation['category_id'] for annotation in left_out}
            unused_names = [n for n in names if names[n] in used & set(others)]
            warnings.warn(
                f"'{self.ann_file}': {len(left_out)} objects of categories that "
                f'metainfo["classes"] does not list are left out '
                f'({", ".join(unused_names)}).',
                AnnotationWarning,
            )
        self._metainfo.update(
            classes=classes, category_ids=tuple(ids), ann_file=self.ann_file
        )
        self._metainfo.setdefault('palette', get_palette('random', len(classes)))
        return label_of

    def filter_data(self) -> list[dict]:
        """Leave out videos that cannot be trained on; everything is kept in testing."""
        items = self.data_list
        if not self.test_mode:
            if self._filter('filter_empty_gt'):
                items = [item for item in items if len(self._key_frames(item))]
            print_log(
                f'{self.ann_file}: {len(items)} of {len(self.data_list)} videos have '
                'something to train on.',
                'current',
            )
        if self._indices is None:
            self._frames = FrameIndex(
                [item['video_length'] for item in items],
                [self._key_frames(item) for item in items],
            )
        return items

    def _filter(self, key: str) -> Any:
        settings = dict(self.filter_cfg or {})
        unknown = sorted(settings.keys() - _FILTER_DEFAULTS.keys())
        if unknown:
            raise ValueError(
                f'filter_cfg of YouTubeVISDataset has no key {", ".join(unknown)}; it '
                f'takes {", ".join(_FILTER_DEFAULTS)}.'
            )
        return (_FILTER_DEFAULTS | settings)[key]

    def _key_frames(self, item: dict) -> list[int]:
        """Positions of the frames that can be the key frame of a training clip."""
        if self.test_mode:
            return []
        least, any_frame = self._filter('min_size'), not self._filter('filter_empty_gt')
        return [
            frame
            for frame, image in enumerate(item['images'])
            if min(image['height'], image['width']) >= least
            and (any_frame or any(not i['ignore_flag'] for i in image['instances']))
        ]

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.data_list:  # mmengine concatenates at least one array
            return np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64)
        return super()._serialize_data()

    @property
    def _frame_index(self) -> FrameIndex:
        self.full_init()
        if self._frames is None:  # a subset: its items have to be looked at
            items = [self.get_data_info(index) for index in range(len(self))]
            self._frames = FrameIndex(
                [item['video_length'] for item in items],
                [self._key_frames(item) for item in items],
            )
        return self._frames

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keep only these videos, as mmengine's."""
        super().get_subset_(indices)
        self._frames = None

    def get_subset(self, indices: Sequence[int] | int) -> 'YouTubeVISDataset':
        """A dataset of these videos, as mmengine's."""
        subset = super().get_subset(indices)
        subset._frames = None
        return subset

    def get_len_per_video(self, idx: int) -> int:
        """Number of frames of a video."""
        return int(self._frame_index.lengths[idx])

    @property
    def num_all_imgs(self) -> int:
        """Number of frames of all videos."""
        return int(self._frame_index.lengths.sum())

    def get_key_frames(self, idx: int) -> np.ndarray:
        """Positions, (n,) int64, of the frames of a video that can be key frames."""
        return self._frame_index.key_frames(idx)

    def prepare_data(self, idx: int | tuple[int, ...]) -> Any:
        """An item through the pipeline; see the class for the forms of ``idx``."""
        video, *frames = idx if isinstance(idx, tuple) else (idx,)
        if self.test_mode:
            item = self._video_under_test(int(video))
            if not frames:
                start, stop = 0, item['video_length']
            elif len(frames) == 1:
                start, stop = frames[0], frames[0] + 1
            else:
                start, stop = frames
            return self.pipeline(clip_of(item, int(start), int(stop)))
        if len(frames) > 1:
            raise IndexError(
                f'{idx} asks for a clip of consecutive frames, which is for test_mode; '
                'in training use KeyFrameSampler.'
            )
        item = self.get_data_info(int(video))
        usable = self.get_key_frames(int(video))
        if len(usable) == 0:  # only where filter_cfg keeps such videos
            usable = np.arange(item['video_length'])
        if frames:
            key_frame = usable[np.abs(usable - frames[0]).argmin()]
        else:
            key_frame = usable[np.random.randint(len(usable))]
        item['key_frame_id'] = int(key_frame)
        if self.on_damage == 'stop':
            return self.pipeline(item)
        try:
            return self.pipeline(item)
        except FRAME_ERRORS as error:
            if type(error) not in self._told:
                self._told.add(type(error))
                warnings.warn(
                    f'{error} Its clip is left out, as others will be with the same '
                    "fault (on_damage='skip')."
                )
            return None  # for which mmengine takes another video

    def _video_under_test(self, video: int) -> dict:
        """The item that the clips of a video are cut from, unpacked once for all."""
        if self._under_test is None or self._under_test[0] != video:
            self._under_test = (video, self.get_data_info(video))
        return self._under_test[1]
