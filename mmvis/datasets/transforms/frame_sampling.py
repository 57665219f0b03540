"""Which frames of a video make a training clip."""

from collections.abc import Sequence

import numpy as np

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import TRANSFORMS

with quiet_mmdet():
    from mmdet.datasets.transforms import UniformRefFrameSample


@TRANSFORMS.register_module()
class RefFrameSample(UniformRefFrameSample):
    """One key frame and ``num_ref_imgs`` reference frames close to it.

    As in mmdet the frames come in the order of the video, and ``key_frame_flags`` says
    which one is the key frame. A frame is drawn twice only where the range has fewer
    frames than asked for; a one-frame video gives its frame as key and as reference.
    All draws are numpy's global ones, which mmengine seeds in every worker.

    Args:
        num_ref_imgs (int): Number of reference frames, at least 1.
        frame_range (int | Sequence[int] | None): Gap ``[first, last]`` in frames
            relative to the key frame, ``first <= 0 <= last``; an int g means
            ``[-g, g]``; None is the whole video.
        require_common_instance (bool): Prefer reference frames which share an instance
            (not ignored) with the key frame; where none does, any frame of the range.
        collect_video_keys (Sequence[str]): Keys of the video copied into each frame.
    """

    def __init__(
        self,
        num_ref_imgs: int = 1,
        frame_range: int | Sequence[int] | None = (-5, 5),
        require_common_instance: bool = False,
        collect_video_keys: tuple[str, ...] = ('video_id', 'video_length'),
    ) -> None:
        if num_ref_imgs < 1:
            raise ValueError(f'num_ref_imgs must be at least 1, got {num_ref_imgs}.')
        whole_video = frame_range is None
        if isinstance(frame_range, tuple):
            frame_range = list(frame_range)
        super().__init__(
            num_ref_imgs=num_ref_imgs,
            frame_range=0 if whole_video else frame_range,
            filter_key_img=True,
            collect_video_keys=list(collect_video_keys),
        )
        if whole_video:
            self.frame_range = None
        self.require_common_instance = require_common_instance

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Sample the clip of one video.

        Args:
            video_infos (dict): An item of the dataset, with ``images`` (its frames),
                ``video_length`` and, where the sampler chose one, ``key_frame_id``.

        Returns:
            dict: A list per key, one entry a frame, and ``key_frame_flags``.

        Raises:
            ValueError: the video has no frame, or not the frame that was asked for.
        """
        length = len(video_infos['images'])
        video = video_infos.get('video_id', '?')
        if length == 0:
            raise ValueError(
                f'Video {video} has no frames to sample: remove it from the annotation '
                'file.'
            )
        key = video_infos.get('key_frame_id')
        key = int(np.random.randint(length)) if key is None else int(key)
        if not 0 <= key < length:
            raise ValueError(
                f'Frame {key} of video {video} was asked for as the key frame, the '
                f'video has frames 0 to {length - 1}.'
            )
        frames, flags = self._sample(video_infos['images'], key)
        results = self.prepare_data(video_infos, frames)
        results['key_frame_flags'] = flags
        return results

    def sampling_frames(
        self, video_length: int, key_frame_id: int
    ) -> tuple[list[int], list[bool]]:
        """Sorted frame positions of the clip and the flag of the key frame."""
        return self._order(
            key_frame_id, self._draw([self._in_range(video_length, key_frame_id)])
        )

    def _sample(self, images: list[dict], key: int) -> tuple[list[int], list[bool]]:
        candidates = self._in_range(len(images), key)
        pools = [candidates]
        if self.require_common_instance and len(candidates):
            wanted = _target_ids(images[key])
            shares = np.array(
                [not wanted.isdisjoint(_target_ids(images[i])) for i in candidates]
            )
            pools = [candidates[shares], candidates[~shares]]
        references = self._draw(pools)
        return self._order(key, references)

    def _in_range(self, video_length: int, key: int) -> np.ndarray:
        """Positions that may serve as a reference: in the range and not the key."""
        frames = np.arange(video_length)
        if self.frame_range is not None:
            first, last = self.frame_range
            frames = frames[(frames >= key + first) & (frames <= key + last)]
        return frames[frames != key]

    def _draw(self, pools: list[np.ndarray]) -> list[int]:
        """Frames of the first pool, then of the next; repeated only when all ran out.

        An empty list means that the key frame is the only candidate.
        """
        shuffled = np.concatenate([np.random.permutation(pool) for pool in pools])
        missing = self.num_ref_imgs - len(shuffled)
        if missing > 0 and len(shuffled):
            preferred = next(pool for pool in pools if len(pool))
            shuffled = np.concatenate(
                [shuffled, np.random.choice(preferred, size=missing)]
            )
        return [int(i) for i in shuffled[: self.num_ref_imgs]]

    def _order(self, key: int, references: list[int]) -> tuple[list[int], list[bool]]:
        references = references or [key] * self.num_ref_imgs
        frames = sorted([key, *references])
        # `index` finds one position even when the key frame is its own reference.
        flags = [position == frames.index(key) for position in range(len(frames))]
        return frames, flags

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_ref_imgs={self.num_ref_imgs}, '
            f'frame_range={self.frame_range}, '
            f'require_common_instance={self.require_common_instance})'
        )


def _target_ids(image: dict) -> set[int]:
    return {
        instance['instance_id']
        for instance in image.get('instances', ())
        if not instance.get('ignore_flag', 0)
    }
