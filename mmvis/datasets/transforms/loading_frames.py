"""Frames from disk, with errors that name the frame."""

from mmcv.transforms import LoadImageFromFile

from mmvis.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """mmcv's LoadImageFromFile that names the frame in every error and checks its size.

    Where the item states ``height`` and ``width``, a frame of another size is refused:
    its masks and boxes would lie elsewhere. Sets ``img`` (h, w, 3) BGR uint8,
    ``img_shape`` and ``ori_shape``; takes LoadImageFromFile's arguments.
    """

    def transform(self, results: dict) -> dict:
        """Load one frame.

        Raises:
            ValueError: the file is missing or cannot be decoded, or has another size.
        """
        path = results['img_path']
        try:
            results = super().transform(results)
        except Exception as error:
            raise ValueError(
                f'Frame {path} of video {results.get("video_id", "?")} cannot be read '
                f'({type(error).__name__}): check data_root and data_prefix, or '
                'replace the file.'
            ) from error
        if results is None:  # ignore_empty=True: mmengine draws another item
            return None
        found = tuple(results['ori_shape'][:2])
        stated = (results.get('height', found[0]), results.get('width', found[1]))
        if found != stated:
            raise ValueError(
                f'Frame {path} of video {results.get("video_id", "?")} is '
                f'{found[0]}x{found[1]} (height x width), the annotation file says '
                f'{stated[0]}x{stated[1]}: correct the file or the frame.'
            )
        return results
