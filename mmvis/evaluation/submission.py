"""Result files for the YouTube-VIS evaluation server: writing and checking them."""

import json
import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmvis.structures.annotation_file import VISAnnotations, read_annotation_file
from mmvis.structures.segmentation import to_rle
from mmvis.structures.whole_file import whole_binary_file, whole_file

from .evaluate_results import RESULT_KEYS
from .vis_eval import id_order


def official_results(results: Iterable[dict], category_ids: Sequence) -> Iterator[dict]:
    """Tracks in the form of results.json, videos in order of their ids.

    Args:
        results: videos as ``VideoTracks.to_results`` gives them; their tracks may come
            one by one.
        category_ids: the annotation file's, in the order of the labels.

    Raises:
        ValueError: if there is a label without a category.
    """
    for video in sorted(results, key=lambda v: id_order(v['video_id'])):
        size = video['size']
        for track in video['tracks']:
            label = track['label']
            if not 0 <= label < len(category_ids):
                raise ValueError(
                    f'video {video["video_id"]!r}: label {label} was predicted, '
                    f'the dataset has {len(category_ids)} classes'
                )
            yield {
                'video_id': video['video_id'],
                'category_id': category_ids[label],
                'score': track['score'],
                'segmentations': [
                    None if c is None else {'size': size, 'counts': c.decode()}
                    for c in track['counts']
                ],
            }


def write_submission(results: Iterable[dict], prefix: str | Path) -> tuple[Path, Path]:
    """Write ``<prefix>.json`` and ``<prefix>.zip`` with results.json at its root.

    Results are written one by one, so that the text of all never is in memory.

    Args:
        results: dicts with video_id, category_id, score, segmentations; counts may be
            bytes.
        prefix: path without suffix; its folder is made.

    Returns:
        The paths of the json and of the zip.

    Raises:
        OSError: One cannot be written; what had its name before stays.
    """
    json_path = Path(f'{prefix}.json')
    zip_path = Path(f'{prefix}.zip')
    write_results(results, json_path)
    with (
        whole_binary_file(zip_path) as raw,
        zipfile.ZipFile(raw, 'w', zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.write(json_path, 'results.json')
    return json_path, zip_path


def write_results(results: Iterable[dict], path: str | Path) -> None:
    """Write a results.json of tracks that come one by one; it is whole, or not there.

    Args:
        results: as for :func:`write_submission`.
        path: of the file.

    Raises:
        OSError: It cannot be written; what had its name before stays.
    """
    with whole_file(path) as file:
        separator = '['
        for result in results:
            file.write(separator)
            # A score that is not finite has no form in json: refuse it here.
            text = json.dumps(result, default=_text_of_counts, allow_nan=False)
            file.write(text)
            separator = ',\n'
        file.write('[]' if separator == '[' else ']')


def _text_of_counts(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode('ascii')
    raise TypeError(f'{type(value).__name__} has no place in a results file')


def check_submission(
    path: str | Path, ann_file: str | Path | VISAnnotations
) -> list[str]:
    """Everything wrong with a result file, as the evaluation server would read it.

    Args:
        path: results .json, or .zip with a results.json at its root.
        ann_file: the annotation file of the split; it needs no annotations.

    Returns:
        One sentence for each fault; an empty list for a file in order.
    """
    try:
        results = _read(Path(path))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return [f"'{path}': {error}"]
    if not isinstance(results, list):
        return [f"'{path}' holds no list of results"]
    if not isinstance(ann_file, VISAnnotations):
        ann_file = read_annotation_file(str(ann_file))
    videos = {video['id']: video for video in ann_file.videos}
    category_ids = {category['id'] for category in ann_file.categories}
    faults = []
    for index, result in enumerate(results):
        faults += [
            f'result {index}: {fault}'
            for fault in _faults_of_result(result, videos, category_ids)
        ]
    return faults


def _read(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        if path.suffix == '.zip':
            raise ValueError('it is not a zip file')
        return _loads(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        if 'results.json' not in archive.namelist():
            raise ValueError(
                f'there is no results.json at the root of the zip, but '
                f'{sorted(archive.namelist())[:3]}'
            )
        return _loads(archive.read('results.json'))


def _loads(data: bytes) -> Any:
    if data.startswith(b'\xef\xbb\xbf'):
        raise ValueError(
            'it begins with a byte order mark, which the server does not read: save it '
            'as UTF-8 without one'
        )
    return json.loads(data)


def _faults_of_result(result: Any, videos: dict, category_ids: set) -> list[str]:
    if not isinstance(result, dict):
        return [f'it is a {type(result).__name__}, not an object']
    missing = [key for key in RESULT_KEYS if key not in result]
    if missing:
        return [f'it has no {", ".join(missing)}']
    faults = []
    video_id, category_id = result['video_id'], result['category_id']
    # In Python True equals 1 and 1.0, in a file they are three things.
    video = videos.get(video_id) if type(video_id) in (int, str) else None
    if video is None:
        faults.append(f'there is no video {video_id!r}')
    if type(category_id) is not int or category_id not in category_ids:
        faults.append(f'video {video_id!r}: there is no category {category_id!r}')
    score = result['score']
    if type(score) not in (int, float):
        faults.append(f'video {video_id!r}: the score {score!r} is no number')
    elif not (math.isfinite(score) and 0 <= score <= 1):
        faults.append(f'video {video_id!r}: the score {score} is not within 0 to 1')
    masks = result['segmentations']
    if not isinstance(masks, list):
        faults.append(f'video {video_id!r}: segmentations is no list')
    elif video is not None:
        if len(masks) != video['length']:
            faults.append(
                f'video {video_id!r}: {len(masks)} segmentations for '
                f'{video["length"]} frames'
            )
        faults += _faults_of_masks(masks, video)
    return faults


def _faults_of_masks(masks: list, video: dict) -> list[str]:
    faults = []
    for frame, mask in enumerate(masks):
        if mask is None:
            continue
        place = f'video {video["id"]!r}, frame {frame}'
        if not isinstance(mask, dict) or not isinstance(mask.get('counts'), str):
            faults.append(f'{place}: the mask is neither null nor a compressed RLE')
            continue
        try:
            to_rle(mask, video['height'], video['width'])
        except ValueError as error:
            faults.append(f'{place}: {error}')
    return faults
