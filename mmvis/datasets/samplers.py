"""Samplers of clips for testing and of key frames for training."""

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvis.registry import DATA_SAMPLERS

from .frame_index import key_frames_of
from .sample_draws import DrawnIndex


@DATA_SAMPLERS.register_module()
class ClipSampler(Sampler):
    """Consecutive clips (video, start, stop) of all videos, for testing.

    A video's clips come in order and all to one rank, which tracking needs; videos are
    dealt to ranks so that these get about the same number of frames, the same way in
    every run. A rank may get none. Use it with ``batch_size=1``: clips that are batched
    would be predicted side by side.

    Args:
        dataset: a YouTubeVISDataset in test mode.
        clip_length (int): Frames a clip; the last one of a video may be shorter.
        seed: accepted for mmengine's runner, which passes one; nothing is random.
    """

    def __init__(
        self, dataset: Any, clip_length: int = 8, seed: int | None = None
    ) -> None:
        if clip_length < 1:
            raise ValueError(f'clip_length must be at least 1, got {clip_length}.')
        if not getattr(dataset, 'test_mode', False):
            raise ValueError(
                'ClipSampler is for testing: set test_mode=True in the dataset, or '
                'train with KeyFrameSampler.'
            )
        rank, world_size = get_dist_info()
        lengths = [dataset.get_len_per_video(video) for video in range(len(dataset))]
        self.clips = [
            (video, start, min(start + clip_length, lengths[video]))
            for video in deal_videos(lengths, world_size)[rank]
            for start in range(0, lengths[video], clip_length)
        ]

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return iter(self.clips)

    def __len__(self) -> int:
        """Number of clips of this rank."""
        return len(self.clips)


def deal_videos(lengths: list[int], ranks: int) -> list[list[int]]:
    """Share out whole videos so that the ranks have about equally many frames.

    The longest video left goes to the rank with the fewest frames; equal ones go in
    order of their index.

    Args:
        lengths: frames of each video.
        ranks: number of ranks.

    Returns:
        For each rank the indices of its videos, ascending; may be empty.
    """
    shares: list[list[int]] = [[] for _ in range(ranks)]
    loads = [(0, rank) for rank in range(ranks)]
    for video in sorted(range(len(lengths)), key=lambda video: -lengths[video]):
        frames, rank = heapq.heappop(loads)
        shares[rank].append(video)
        heapq.heappush(loads, (frames + lengths[video], rank))
    return [sorted(share) for share in shares]


@DATA_SAMPLERS.register_module()
class KeyFrameSampler(Sampler):
    """Key frames (video, frame) for training, each once an epoch in a new order.

    The order depends on seed and epoch only, and so does what is drawn at random for a
    key frame (:class:`DrawnIndex`): ranks and workers may be more or fewer. Ranks take
    turns; the first key frames of the epoch are repeated until all ranks have equally
    many.

    Args:
        dataset: a YouTubeVISDataset in training mode, or a VISConcatDataset or
            VISClassBalancedDataset of such.
        shuffle (bool): False keeps the order of the files.
        frames_per_video (int, optional): Draw so many key frames of each video an
            epoch, all of those that have fewer, so that long videos do not dominate.
        seed (int, optional): The same on all ranks; drawn and shared if None.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = True,
        frames_per_video: int | None = None,
        seed: int | None = None,
    ) -> None:
        if frames_per_video is not None and frames_per_video < 1:
            raise ValueError(
                f'frames_per_video must be at least 1, got {frames_per_video}.'
            )
        if getattr(dataset, 'test_mode', False):
            raise ValueError(
                'KeyFrameSampler is for training, the dataset is in test mode: use '
                'ClipSampler, or set test_mode=False.'
            )
        self.rank, self.world_size = get_dist_info()
        self.shuffle = shuffle
        self.frames_per_video = frames_per_video
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self._skipped = 0
        key_frames = [key_frames_of(dataset, video) for video in range(len(dataset))]
        counts = np.array([len(frames) for frames in key_frames], dtype=np.int64)
        if counts.sum() == 0:
            raise ValueError(
                'The training set has no key frame: no video shows an object of the '
                'classes. Check ann_file, metainfo["classes"] and filter_cfg.'
            )
        self.frames = np.concatenate(key_frames)
        self.videos = np.repeat(np.arange(len(counts)), counts)
        drawn = np.minimum(counts, frames_per_video or counts.max())
        self.num_samples = -(-int(drawn.sum()) // self.world_size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = self._order(self.epoch)
        # As many as the ranks can share evenly; a tiny set may have to go round twice.
        order = np.resize(order, self.num_samples * self.world_size)
        places = range(len(order))[self.rank :: self.world_size][self._skipped :]
        return (self._index(order[place], self.epoch, place) for place in places)

    def _index(self, key_frame: int, epoch: int, place: int) -> DrawnIndex:
        index = int(self.videos[key_frame]), int(self.frames[key_frame])
        return DrawnIndex(index, (self.seed, epoch, place))

    def skip(self, num_samples: int) -> None:
        """Begin later: where a training goes on that has drawn so many.

        Args:
            num_samples (int): Key frames of this rank, from the start of the epoch; of
                :class:`InfiniteKeyFrameSampler` from the start of training. It takes
                the same time whatever the number.
        """
        self._skipped = num_samples

    def _order(self, epoch: int) -> np.ndarray:
        """Indices of this epoch's key frames, the same on all ranks."""
        random = np.random.default_rng([self.seed, epoch])
        chosen: np.ndarray = np.arange(len(self.videos))
        if self.frames_per_video is not None:
            # Shuffle, group by video, and keep the first of each group.
            chosen = random.permutation(chosen)
            chosen = chosen[np.argsort(self.videos[chosen], kind='stable')]
            videos = self.videos[chosen]
            place = np.arange(len(videos)) - np.searchsorted(videos, videos)
            chosen = np.sort(chosen[place < self.frames_per_video])
        return random.permutation(chosen) if self.shuffle else chosen

    def __len__(self) -> int:
        """Key frames of this rank an epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Called by mmengine's loops before every epoch."""
        self.epoch, self._skipped = epoch, 0


@DATA_SAMPLERS.register_module()
class InfiniteKeyFrameSampler(KeyFrameSampler):
    """KeyFrameSampler for loops by iteration: one epoch after the other, without end.

    Epochs are not padded, so that over the ranks together every key frame is drawn once
    before any is drawn again.
    """

    def __iter__(self) -> Iterator[tuple[int, int]]:
        # The ranks' turns go on through the epochs.
        position = self.rank + self._skipped * self.world_size
        first, order = self.epoch, self._order(self.epoch)
        epoch, length = first, len(order)
        while True:
            later, place = divmod(position, length)
            if first + later != epoch:
                epoch = first + later
                order = self._order(epoch)
            yield self._index(order[place], epoch, place)
            position += self.world_size
