"""Annotations and results in the folders that TrackEval's own commands look into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mmvis.structures.annotation_file import VISAnnotations
from mmvis.structures.rle import unpack_counts
from mmvis.structures.whole_file import whole_file

from .objects import (
    empty_folder,
    note_of_overlaps,
    tracks_of,
    without_overlaps,
)

LAYOUTS = ('youtube-vis', 'mots', 'kitti-mots')
TRACKER = 'mmvis'
SPLIT = 'val'
_IGNORE = 10
# The only classes that TrackEval knows in these layouts, and their numbers.
_CLASSES = {'mots': ['pedestrian'], 'kitti-mots': ['car', 'pedestrian']}
_NUMBERS = {'car': 1, 'pedestrian': 2}


def write_for_trackeval(
    content: VISAnnotations, predicted: VISAnnotations, out: str | Path, layout: str
) -> list[str]:
    """Write ``<out>/gt`` and ``<out>/trackers`` for TrackEval, which then can check.

    ``youtube-vis`` keeps all categories. ``mots`` and ``kitti-mots`` have one object a
    pixel, and classes of their own: the first category becomes a pedestrian in the one,
    and the first two a car and a pedestrian in the other, unless categories have these
    names. Objects of others are left out.

    Args:
        content: the annotations.
        predicted: what was predicted for the same videos.
        out: a new folder.
        layout: of :data:`LAYOUTS`.

    Returns:
        Sentences: what could not be kept, and how TrackEval is told of the folders.

    Raises:
        ValueError: there is no such layout, or there are no annotations.
        OSError: the folder is not empty, or cannot be written.
    """
    if layout not in LAYOUTS:
        raise ValueError(f'layout is one of {", ".join(LAYOUTS)}, not {layout!r}.')
    if content.annotations is None:
        raise ValueError(f"'{content.path}' has no annotations to compare with.")
    out = empty_folder(Path(out))
    return _WRITERS[layout](content, predicted, out)


def _names(content: VISAnnotations) -> dict:
    """A name of a sequence by the video's id: what TrackEval tells them apart by."""
    firsts = {v['id']: str(v['file_names'][0]).split('/')[0] for v in content.videos}
    if len(set(firsts.values())) == len(firsts):
        return firsts
    return {v['id']: f'{row:04d}' for row, v in enumerate(content.videos)}


def _youtube_vis(
    content: VISAnnotations, predicted: VISAnnotations, out: Path
) -> list[str]:
    names = _names(content)
    videos = [
        {
            **video,
            # Of these TrackEval takes the first folder for the name.
            'file_names': [
                f'{names[video["id"]]}/{Path(name).name}'
                for name in video['file_names']
            ],
        }
        for video in content.videos
    ]
    written = []
    for number, annotation in enumerate(content.annotations or [], 1):
        masks = [
            mask and dict(size=mask['size'], counts=unpack_counts(mask).tolist())
            for mask in annotation['segmentations']
        ]
        height, width = _size(content, annotation)
        changes = dict(id=number, height=height, width=width, segmentations=masks)
        written.append({**annotation, **changes})
    truth = dict(videos=videos, categories=content.categories, annotations=written)
    tracks = [
        dict(
            video_id=track['video_id'],
            category_id=track['category_id'],
            score=track['score'],
            segmentations=[
                mask and dict(size=mask['size'], counts=mask['counts'].decode())
                for mask in track['segmentations']
            ],
        )
        for track in predicted.annotations or []
    ]
    folder = f'youtube_vis_{SPLIT}'
    gt = out / 'gt' / folder / 'instances.json'
    results = out / 'trackers' / folder / TRACKER / 'data' / 'results.json'
    for path, content_of in ((gt, truth), (results, tracks)):
        path.parent.mkdir(parents=True)
        with whole_file(path) as file:
            json.dump(content_of, file)
    return [
        _how('YouTubeVIS', f"'{out}/gt/'", f"'{out}/trackers/'", SPLIT),
    ]


def _size(content: VISAnnotations, annotation: dict) -> tuple[int, int]:
    video = next(v for v in content.videos if v['id'] == annotation['video_id'])
    return video['height'], video['width']


def _mots_challenge(
    content: VISAnnotations, predicted: VISAnnotations, out: Path
) -> list[str]:
    """A folder a video with ``gt.txt`` and ``seqinfo.ini``; frames count from 1."""
    classes, names = _classes(content, 'mots'), _names(content)
    gt, folder = out / 'gt' / f'MOTS-{SPLIT}', f'MOTS-{SPLIT}'
    places = {number: gt / name / 'gt/gt.txt' for number, name in names.items()}
    data = out / 'trackers' / folder / TRACKER / 'data'
    lost = _write_texts(content, content.videos, places, classes, 1)
    found = {number: data / f'{name}.txt' for number, name in names.items()}
    lost += _write_texts(predicted, content.videos, found, classes, 1)
    for video in content.videos:
        name = names[video['id']]
        about = f'[Sequence]\nname={name}\nseqLength={video["length"]}\n'
        (gt / name / 'seqinfo.ini').write_text(about, encoding='utf-8')
    maps = out / 'gt' / 'seqmaps'
    maps.mkdir()
    rows = ''.join(f'{names[video["id"]]}\n' for video in content.videos)
    (maps / f'{folder}.txt').write_text(f'name\n{rows}')
    how = _how('MOTSChallenge', f"'{out}/gt'", f"'{out}/trackers'", SPLIT)
    return [*note_of_overlaps(lost), _told(content, classes), how]


def _kitti_mots(
    content: VISAnnotations, predicted: VISAnnotations, out: Path
) -> list[str]:
    """A text a video, called by a number; frames count from 0."""
    classes, gt = _classes(content, 'kitti-mots'), out / 'gt'
    data = out / 'trackers' / TRACKER / 'data'
    names = {video['id']: f'{row:04d}' for row, video in enumerate(content.videos)}
    lost = 0
    for source, folder in ((content, gt / 'label_02'), (predicted, data)):
        places = {number: folder / f'{name}.txt' for number, name in names.items()}
        lost += _write_texts(source, content.videos, places, classes, 0)
    # TrackEval guesses the separator from what follows the first line.
    rows = ''.join(
        f'{names[video["id"]]} empty {0:06d} {video["length"] - 1:06d}\n'
        for video in content.videos
    )
    (gt / f'evaluate_mots.seqmap.{SPLIT}').write_text(f'#\n{rows}')
    how = _how('KittiMOTS', f"'{gt}'", f"'{out}/trackers'", SPLIT)
    return [*note_of_overlaps(lost), _told(content, classes), how]


def _write_texts(
    content: VISAnnotations, videos: list[dict], places: dict, classes: dict, first: int
) -> int:
    """A text for each video, at its place; how many pixels were in several masks."""
    lost = 0
    for video in videos:
        path = places[video['id']]
        path.parent.mkdir(parents=True, exist_ok=True)
        found = list(_lines(content, video, classes, first))
        path.write_text(''.join(line for line, _ in found), encoding='utf-8')
        lost += sum(more for _, more in found)
    return lost


def _told(content: VISAnnotations, classes: dict) -> str:
    """Which category is which class, as a sentence."""
    called = {c['id']: c['name'] for c in content.categories}
    names = {number: name for name, number in _NUMBERS.items()}
    told = [f'{called[c]} is written as {names[n]}' for c, n in classes.items()]
    return f'{", ".join(told)}.'


def _classes(content: VISAnnotations, layout: str) -> dict:
    """The number of a class by the id of the category."""
    wanted = _CLASSES[layout]
    named = {c['name']: c['id'] for c in content.categories}
    if any(name in named for name in wanted):
        return {named[name]: _NUMBERS[name] for name in wanted if name in named}
    ids = [category['id'] for category in content.categories]
    return {number: _NUMBERS[name] for number, name in zip(ids, wanted, strict=False)}


def _lines(
    content: VISAnnotations, video: dict, classes: dict, first: int
) -> Iterator[tuple[str, int]]:
    """A line a mask, and how many pixels were in several masks of its frame."""
    tracks = [
        track
        for track in tracks_of(content, video)
        if track['iscrowd'] or track['category_id'] in classes
    ]
    height, width = video['height'], video['width']
    for frame in range(video['length']):
        masks, more = without_overlaps(tracks, frame, height, width)
        for number, (track, mask) in enumerate(zip(tracks, masks, strict=True)):
            if mask is None:
                continue
            kind = _IGNORE if track['iscrowd'] else classes[track['category_id']]
            # An id of its own for every track, also of another class.
            value = kind * 1000 + number if kind != _IGNORE else 10000 + number
            line = f'{frame + first} {value} {kind} {height} {width} '
            yield f'{line}{mask["counts"].decode()}\n', more
            more = 0


def _how(kind: str, gt: str, trackers: str, split: str) -> str:
    """What is typed into Python to have TrackEval measure the folders."""
    return (
        'check with: import trackeval as t; t.Evaluator().evaluate([t.datasets.'
        f"{kind}(dict(GT_FOLDER={gt}, TRACKERS_FOLDER={trackers}, SPLIT_TO_EVAL='"
        f"{split}'))], [t.metrics.HOTA(), t.metrics.CLEAR(), t.metrics.Identity()])"
    )


_WRITERS = {
    'youtube-vis': _youtube_vis,
    'mots': _mots_challenge,
    'kitti-mots': _kitti_mots,
}
