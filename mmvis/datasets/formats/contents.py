"""What an importer finds: videos with the objects in them, before they have ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mmvis.structures.rle import RLE, rle_area

from ..converters.coco_video import LOOSE
from ..converters.records import object_record, video_record


@dataclass
class Track:
    """An object through a video.

    Attributes:
        category: its name.
        masks: by position of the frame; of the video's size, counts of type bytes.
        identity: what the source calls it, unique in its video; None for a mask of one
            frame that the source does not join with others.
        iscrowd: 0 or 1.
    """

    category: str
    masks: dict[int, RLE]
    identity: Any = None
    iscrowd: int = 0


@dataclass
class Video:
    """A video and what it shows.

    Attributes:
        name: of the source.
        frames: their file names, relative to the folder of frames.
        height: of the frames in pixels, as they are displayed.
        width: of the frames.
        tracks: in the order of the source.
    """

    name: str
    frames: list[str]
    height: int
    width: int
    tracks: list[Track] = field(default_factory=list)


@dataclass
class Contents:
    """All that an importer found.

    Attributes:
        videos: in order.
        categories: names in the order of their ids from 1; None: alphabetical, those
            that are used.
        notes: sentences on what was decided or left out.
    """

    videos: list[Video]
    categories: list[str] | None = None
    notes: list[str] = field(default_factory=list)

    def annotation_file(self, description: str) -> dict:
        """The json of the YouTube-VIS form; objects without a pixel are left out."""
        used = {track.category for video in self.videos for track in video.tracks}
        names = list(dict.fromkeys(self.categories or sorted(used)))
        names += sorted(used - set(names))
        ids = {name: number for number, name in enumerate(names, start=1)}
        videos: list[dict] = []
        annotations: list[dict] = []
        for video in self.videos:
            record = video_record(
                len(videos) + 1,
                video.frames,
                video.height,
                video.width,
                name=video.name,
            )
            videos.append(record)
            for track in video.tracks:
                named: dict[str, Any] = {}
                if track.identity is not None:
                    named = {'object': track.identity}
                elif not track.iscrowd:
                    named = {LOOSE: True}
                made = object_record(
                    len(annotations) + 1,
                    record,
                    ids[track.category],
                    [track.masks.get(frame) for frame in range(record['length'])],
                    track.iscrowd,
                    **named,
                )
                if made:
                    annotations.append(made)
        return dict(
            info=dict(description=description),
            videos=videos,
            annotations=annotations,
            categories=[dict(id=number, name=name) for name, number in ids.items()],
        )


def note_of_empty_masks(videos: Iterable[Video]) -> list[str]:
    """What is said of shapes that cover no pixel of their frame."""
    empty = [
        f'of a {track.category!r} in {video.frames[frame]!r}'
        for video in videos
        for track in video.tracks
        for frame, mask in track.masks.items()
        if not rle_area([mask])[0]
    ]
    if not empty:
        return []
    return [
        f'{count_of(len(empty), "mask")} without a pixel left out, first {empty[0]}: '
        'does it lie beyond the frame?'
    ]


def count_of(number: int, what: str) -> str:
    """'1 mask', '2 masks'."""
    return f'{number} {what}{"" if number == 1 else "s"}'


def of_kinds(names: Iterable[str]) -> str:
    """'3 line, 1 point', the most frequent first."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ', '.join(f'{count} {name}' for name, count in ordered)
