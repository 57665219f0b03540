"""BDD100K segmentation tracking as run lengths: Scalabel's json, a file a video."""

from __future__ import annotations

import os
from pathlib import Path

from mmvis.structures.segmentation import to_rle

from .contents import Contents, Track, Video, of_kinds
from .frame_folders import Frames
from .options import Options
from .text_files import has_keys, read_json


def recognise(source: Path) -> str | None:
    path = next(iter(_files(source)), None)
    if path is not None and (
        has_keys(path, '[', 'videoName', 'labels')
        or has_keys(path, '{', 'frames', 'videoName', 'labels')
    ):
        return f'\'{path}\' has frames with "videoName" and "labels", as BDD100K'
    return None


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(source.glob('*.json'))
    return [source] if source.suffix.lower() == '.json' else []


def read(
    source: Path, frames: Frames, options: Options, classes: list[str]
) -> Contents:
    """What is a crowd or to be ignored is a crowd; other classes are left out."""
    contents = Contents([], list(classes))
    left_out: list[str] = []
    for path in _files(source):
        content = read_json(path)
        listed = content['frames'] if isinstance(content, dict) else content
        of_video: dict[str, list[dict]] = {}
        for frame in listed:
            of_video.setdefault(str(frame['videoName']), []).append(frame)
        for name, members in of_video.items():
            members.sort(key=lambda frame: frame['frameIndex'])
            video = _video(path, name, members, frames, classes, left_out)
            contents.videos.append(video)
    if left_out:
        contents.notes.append(
            f'labels of other categories are left out ({of_kinds(left_out)}).'
        )
    return contents


def _video(
    path: Path,
    name: str,
    members: list[dict],
    frames: Frames,
    classes: list[str],
    left_out: list[str],
) -> Video:
    there = {os.path.basename(n): n for n in frames.of_video(name, f'images/{name}')}
    missing = [frame['name'] for frame in members if frame['name'] not in there]
    if missing:
        raise FileNotFoundError(
            f"'{path}': there is no frame '{missing[0]}' of '{name}' in "
            f"'{frames.root}': give the folder with --frames."
        )
    names = [there[frame['name']] for frame in members]
    height, width = frames.size(names)
    tracks: dict[str, Track] = {}
    for index, frame in enumerate(members):
        for label in frame.get('labels') or []:
            category, about = label['category'], label.get('attributes') or {}
            if category not in classes:
                left_out.append(category)
                continue
            if not label.get('rle'):
                raise ValueError(
                    f"'{path}', '{frame['name']}': a {category} has no \"rle\": the "
                    'folders rles and bitmasks of seg_track_20 have masks.'
                )
            try:
                rle = to_rle(label['rle'], height, width)
            except ValueError as error:
                raise ValueError(f"'{path}', '{frame['name']}': {error}.") from None
            identity = str(label['id'])
            track = tracks.setdefault(identity, Track(category, {}, identity))
            track.iscrowd |= int(bool(about.get('crowd') or about.get('ignored')))
            if rle is not None:
                track.masks[index] = rle
    return Video(name, names, height, width, list(tracks.values()))
