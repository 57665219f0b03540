"""Several video sets as one, and video sets with rare categories repeated.

mmengine's wrappers take plain indices only; these pass (video, frame) on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, ClassBalancedDataset, ConcatDataset

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import DATASETS

from .frame_index import key_frames_of
from .sample_draws import drawing

with quiet_mmdet():
    from mmdet.datasets import BaseVideoDataset

# Facts about the single sets' files, which no model depends on.
_OF_ONE_FILE = ['ann_file', 'category_ids', 'palette']


def _build(dataset: BaseDataset | dict) -> BaseDataset:
    return DATASETS.build(dataset) if isinstance(dataset, dict) else dataset


@DATASETS.register_module()
class VISConcatDataset(ConcatDataset):
    """Training sets one after the other, for joint training.

    All need the same ``classes`` in the same order: give ``metainfo`` to each. The
    meta information is the first set's. Videos are numbered through; indices are
    those of mmengine's ConcatDataset or (video, frame).

    Args:
        datasets (Sequence[BaseDataset | dict]): Video sets, in training mode.
        lazy_init (bool): Do not read the files now.
        ignore_keys (str | list[str], optional): Further keys of the meta information
            that may differ.

    Raises:
        ValueError: a set is in test mode, or the classes differ.
    """

    def __init__(
        self,
        datasets: Sequence[BaseDataset | dict],
        lazy_init: bool = False,
        ignore_keys: str | list[str] | None = None,
    ) -> None:
        built = [_build(dataset) for dataset in datasets]
        if any(dataset.test_mode for dataset in built):
            raise ValueError(
                'VISConcatDataset joins training sets; test each set on its own.'
            )
        classes = [tuple(d.metainfo.get('classes') or ()) for d in built]
        if len(set(classes)) > 1:
            raise ValueError(
                'The sets of a VISConcatDataset differ in classes '
                f'({" / ".join(", ".join(names) for names in classes)}): give the same '
                'metainfo=dict(classes=...) to each, so that labels agree.'
            )
        ignored = [ignore_keys] if isinstance(ignore_keys, str) else ignore_keys or []
        keys = {key for dataset in built for key in dataset.metainfo}
        # Any further meta key counts where all sets have it.
        partial = [k for k in keys if any(k not in d.metainfo for d in built)]
        super().__init__(
            built, lazy_init, [*_OF_ONE_FILE, 'classes', *ignored, *partial]
        )

    def __getitem__(self, idx: int | tuple[int, ...]) -> Any:
        if not isinstance(idx, tuple):
            return super().__getitem__(idx)
        with drawing(idx):
            return self._item(idx)

    def _item(self, idx: tuple[int, ...]) -> Any:
        self.full_init()
        source, video = self._get_ori_dataset_idx(idx[0])
        dataset = self.datasets[source]
        if isinstance(dataset, BaseVideoDataset):
            item = (video, *idx[1:])
            return dataset[item]
        return dataset[video]  # a set of images: its item is its only frame

    def get_key_frames(self, idx: int) -> np.ndarray:
        """Positions, (n,) int64, of the frames of a video that can be key frames."""
        self.full_init()
        source, video = self._get_ori_dataset_idx(idx)
        return key_frames_of(self.datasets[source], video)


@DATASETS.register_module()
class VISClassBalancedDataset(ClassBalancedDataset):
    """A video set in which videos of rare categories are repeated, as in LVIS.

    Args:
        dataset (BaseDataset | dict): The video set, in training mode.
        oversample_thr (float): Share of the videos below which a category is rare.
        lazy_init (bool): Do not read the file now.
    """

    def __init__(
        self,
        dataset: BaseDataset | dict,
        oversample_thr: float,
        lazy_init: bool = False,
    ) -> None:
        super().__init__(_build(dataset), oversample_thr, lazy_init)

    @property
    def test_mode(self) -> bool:
        return self.dataset.test_mode

    def __getitem__(self, idx: int | tuple[int, ...]) -> Any:
        if not isinstance(idx, tuple):
            return super().__getitem__(idx)
        self.full_init()
        item = (self._get_ori_dataset_idx(idx[0]), *idx[1:])
        with drawing(idx):
            return self.dataset[item]

    def get_key_frames(self, idx: int) -> np.ndarray:
        """Positions, (n,) int64, of the frames of a video that can be key frames."""
        return key_frames_of(self.dataset, self._get_ori_dataset_idx(idx))
