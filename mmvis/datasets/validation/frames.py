"""Checks of the frames on disk."""

import io
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from mmvis.datasets.frame_files import image_damage
from mmvis.structures.annotation_checks import is_count, unsafe_file_name
from mmvis.structures.frame_names import link_message, native_name, outside_target

from .findings import Finding
from .orientation import AMBIGUOUS, displayed_size, exif_orientation, is_ambiguous

_GREY_MODES = ('1', 'L', 'I', 'I;16', 'F')


def find_frames(ann_file: str, videos: list[dict]) -> str | None:
    """The folder of frames beside an annotation file, by its first frame.

    Args:
        ann_file: the annotation file.
        videos: its video records.

    Returns:
        The first of the usual places that holds the frame, or None.
    """
    names = [name for name, _, _ in _frames(videos)]
    if not names:
        return None
    folder, stem = Path(ann_file).parent, Path(ann_file).stem
    split = stem.removeprefix('instances_')
    places = [folder, folder / 'JPEGImages', folder / split / 'JPEGImages']
    places += [folder.parent / split / 'JPEGImages', *folder.glob('*/JPEGImages')]
    # The first frame itself may be the one that is missing.
    for name in names[:3]:
        for place in places:
            if (place / native_name(name)).is_file():
                return str(place)
    return None


def check_frames(
    videos: list[dict], folder: str, workers: int | None = None
) -> Iterator[list[Finding]]:
    """Read and decode all frames, in threads.

    Args:
        videos: video records of an annotation file; what is no record of a video or no
            safe name is left out, ``check_annotation_file`` reports it.
        folder: that the file names are relative to.
        workers: threads; by default one a core.

    Yields:
        For each frame, in order, its findings; for most an empty list.
    """
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        # A bounded number ahead: results of a large set are not piled up.
        waiting: deque = deque()
        for frame in _frames(videos):
            waiting.append(pool.submit(_check_frame, folder, *frame))
            if len(waiting) > 8 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def count_frames(videos: list[dict]) -> int:
    """How many frames ``check_frames`` will look at."""
    return sum(1 for _ in _frames(videos))


def _frames(videos: list[dict]) -> Iterator[tuple[str, dict, int]]:
    """(file name, video, position) of all frames that can be looked for."""
    for video in videos:
        names = video.get('file_names')
        for frame, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str) and name and not unsafe_file_name(name):
                yield name, video, frame


def _check_frame(folder: str, name: str, video: dict, frame: int) -> list[Finding]:
    at = dict(video=video.get('id'), frame=frame)
    target = outside_target(folder, name)
    if target is not None:
        return [Finding('UNSAFE_PATH', link_message(name, folder, target), **at)]
    try:
        data = Path(folder, native_name(name)).read_bytes()
    except OSError as error:
        return [Finding('MISSING_FILE', f'{name!r}: {error.strerror}', **at)]
    damage = image_damage(data)
    if damage:
        return [Finding('BAD_IMAGE', f'{name!r} {damage}', **at)]
    try:
        file = io.BytesIO(data)
        with Image.open(file) as image:
            orientation = exif_orientation(file, image)
            ambiguous = is_ambiguous(image, orientation)
            (height, width), mode = displayed_size(image, orientation), image.mode
            # JPEG is decoded at an eighth, which is several times as fast and finds
            # the same errors in the data.
            image.draft('RGB', (image.width // 8, image.height // 8))
            image.load()
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        return [Finding('BAD_IMAGE', f'{name!r}: {error}', **at)]
    if ambiguous:
        return [Finding('BAD_IMAGE', f'{name!r} {AMBIGUOUS.format(orientation)}', **at)]
    findings = []
    stated = (video.get('width'), video.get('height'))
    if all(is_count(n, 1) for n in stated) and (width, height) != stated:
        message = f'{name!r} is {width}x{height}, the video {stated[0]}x{stated[1]}'
        findings.append(Finding('SIZE_MISMATCH', message, **at))
    if orientation != 1:
        message = f'{name!r} has the EXIF orientation {orientation}'
        findings.append(Finding('TURNED', message, **at))
    if mode in _GREY_MODES:
        findings.append(Finding('GREY', f'{name!r} has one channel', **at))
    return findings
