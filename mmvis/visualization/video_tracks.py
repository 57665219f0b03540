"""Tracks of a video to be drawn, from ground truth or from a results.json."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..structures.annotation_file import VISAnnotations
from ..structures.frame_names import link_message, native_name, outside_target


@dataclass
class DrawnTrack:
    """One instance through a video.

    Attributes:
        track_id (int): Written as ``#id``.
        label (int): Position of its category in the annotation file's list.
        score (float | None): None for ground truth.
        segmentations (list): An RLE dict or None a frame.
        colour_id (int | None): Chooses the colour; by default ``track_id`` does.
    """

    track_id: int
    label: int
    score: float | None
    segmentations: list
    colour_id: int | None = None

    @property
    def colour(self) -> int:
        """The id whose colour it has."""
        return self.track_id if self.colour_id is None else self.colour_id


def ground_truth_tracks(annotations: VISAnnotations) -> dict[int, list[DrawnTrack]]:
    """Tracks by video id.

    Raises:
        ValueError: The file has no labels, as public valid and test splits.
    """
    if annotations.annotations is None:
        raise ValueError(
            f'{annotations.path} has no annotations (a public valid or test split?): '
            'there is no ground truth to draw.'
        )
    label_of = _label_of(annotations)
    tracks: dict[int, list[DrawnTrack]] = {v['id']: [] for v in annotations.videos}
    for ann in annotations.annotations:
        # A category that the file does not list is drawn too: people browse to see it.
        label = label_of.get(ann['category_id'], int(ann['category_id']))
        tracks.setdefault(ann['video_id'], []).append(
            DrawnTrack(int(ann['id']), label, None, ann['segmentations'])
        )
    return tracks


def result_tracks(
    results_path: str | os.PathLike,
    annotations: VISAnnotations,
    score_thr: float = 0.3,
    top_k: int = 10,
) -> dict[int, list[DrawnTrack]]:
    """Tracks by video id from a submission's results.json.

    Args:
        results_path (str): A list of dict(video_id, category_id, score, segmentations).
        annotations (VISAnnotations): The file whose videos the results are for.
        score_thr (float): Tracks below are left out.
        top_k (int): At most so many a video, the best first. They are numbered from 1
            by falling score, as results carry no ids.

    Raises:
        ValueError: Not such a file, or it does not fit the annotation file.
    """
    path = os.fspath(results_path)
    with open(path, encoding='utf-8-sig') as file:
        try:
            results = json.load(file)
        except json.JSONDecodeError as error:
            raise ValueError(f'{path} is not json: {error}.') from error
    if not isinstance(results, list):
        raise ValueError(
            f'{path}: expected the list of a results.json, got a '
            f'{type(results).__name__} (an annotation file goes in as --ann).'
        )
    label_of = _label_of(annotations)
    videos = {video['id']: video for video in annotations.videos}
    found: dict[int, list[dict]] = {video_id: [] for video_id in videos}
    for position, result in enumerate(results):
        _check_result(result, f'{path}, entry {position}', videos, label_of)
        if result['score'] >= score_thr:
            found[result['video_id']].append(result)
    tracks = {}
    for video_id, kept in found.items():
        kept = sorted(kept, key=lambda r: -r['score'])[:top_k]
        tracks[video_id] = [
            DrawnTrack(
                rank, label_of[r['category_id']], float(r['score']), r['segmentations']
            )
            for rank, r in enumerate(kept, start=1)
        ]
    return tracks


def choose_videos(
    annotations: VISAnnotations,
    wanted: Sequence[str] | None = None,
    max_videos: int | None = None,
) -> list[dict]:
    """Videos by id or name (the folder of their frames), or the first ``max_videos``.

    Raises:
        ValueError: No such video; the message lists some that there are.
    """
    videos = annotations.videos
    if wanted:
        by_key = {video_name(video): video for video in videos}
        by_key |= {str(video['id']): video for video in videos}
        unknown = [key for key in wanted if key not in by_key]
        if unknown:
            known = ', '.join(f'{v["id"]} ({video_name(v)})' for v in videos[:8])
            raise ValueError(
                f'{annotations.path} has no video {", ".join(unknown)}. It has '
                f'{len(videos)}: {known}{", ..." if len(videos) > 8 else ""}.'
            )
        videos = [by_key[key] for key in wanted]
    return list(videos[:max_videos])


def video_name(video: dict) -> str:
    """Name of a video: the folder of its frames, or its id."""
    names = video.get('file_names') or ['']
    return os.path.dirname(names[0]) or f'video {video["id"]}'


def file_stem(video: dict) -> str:
    """A name for the files about a video; the id makes it unique."""
    return safe_stem(f'{video["id"]}_{video_name(video)}')


def safe_stem(name: str) -> str:
    """A name without folders: ids of videos may be any strings."""
    return ''.join(c if c.isalnum() or c in '-_.' else '_' for c in name)


def read_frame(image_root: str, video: dict, frame: int) -> np.ndarray:
    """(h, w, 3) uint8 BGR.

    Raises:
        FileNotFoundError: No such image, or it cannot be decoded.
        ValueError: A link leads it out of ``image_root``.
    """
    name = video['file_names'][frame]
    target = outside_target(image_root, name)
    if target is not None:
        raise ValueError(
            f'Video {video["id"]!r}, frame {frame}: '
            f'{link_message(name, image_root, target)}.'
        )
    path = os.path.join(image_root, native_name(name))
    image = cv2.imread(path, cv2.IMREAD_COLOR) if os.path.isfile(path) else None
    if image is None:
        trouble = 'does not exist: is the image root right?'
        if os.path.isfile(path):
            trouble = 'cannot be decoded as an image.'
        raise FileNotFoundError(
            f'{path} (frame {frame} of video {video["id"]}, {video_name(video)}) '
            f'{trouble}'
        )
    return image


def instances_at(
    tracks: Sequence[DrawnTrack], frame: int
) -> Iterator[tuple[DrawnTrack, dict]]:
    """(track, RLE) of the tracks that are visible in a frame."""
    for track in tracks:
        rle = track.segmentations[frame] if frame < len(track.segmentations) else None
        if rle is not None:
            yield track, rle


def _label_of(annotations: VISAnnotations) -> dict[int, int]:
    return {cat['id']: label for label, cat in enumerate(annotations.categories)}


def _check_result(result: Any, where: str, videos: dict, label_of: dict) -> None:
    keys = ('video_id', 'category_id', 'score', 'segmentations')
    missing = [key for key in keys if not isinstance(result, dict) or key not in result]
    if missing:
        raise ValueError(f'{where} lacks {", ".join(missing)}.')
    video = videos.get(result['video_id'])
    if video is None:
        raise ValueError(
            f'{where} is for video {result["video_id"]}, which the annotation file '
            'does not have: results and annotations must be of one split.'
        )
    if result['category_id'] not in label_of:
        raise ValueError(
            f'{where} has category {result["category_id"]}, which the annotation file '
            'does not list.'
        )
    if len(result['segmentations']) != video['length']:
        raise ValueError(
            f'{where} has {len(result["segmentations"])} segmentations, but video '
            f'{video["id"]} ({video_name(video)}) has {video["length"]} frames.'
        )
