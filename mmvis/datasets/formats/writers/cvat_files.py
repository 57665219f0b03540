"""CVAT's xml, to correct by hand: masks as shapes of frames, or polygons as tracks.

CVAT has no tracks of masks: of one in a file it takes the first frame. So masks are
written as shapes, those of an object in one group, in the form "CVAT for images 1.1",
which video tasks take too. Polygons are tracks, "CVAT for video 1.1".
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from mmvis.structures import VISAnnotations
from mmvis.structures.rle import decode_masks
from mmvis.structures.whole_file import whole_file

from ..outlines import outlines
from .objects import category_names, empty_folder, folder_of, stems_of, tracks_of
from .simplifying import Simplifying, tight_box


def write_cvat(
    content: VISAnnotations, out: Path, tolerance: float | None = None
) -> list[str]:
    """``out`` for one video, else a folder with an xml a video.

    Args:
        content: what is written.
        out: an xml, or a new folder.
        tolerance: None: masks. Else polygons, of which points within so many pixels are
            left out.
    """
    videos = content.videos
    if len(videos) == 1 and out.suffix.lower() == '.xml':
        places = {videos[0]['id']: out}
    elif out.suffix.lower() == '.xml':
        raise ValueError(
            f"'{out}' is one xml, which is a task of one video; there are "
            f'{len(videos)}: name a folder.'
        )
    else:
        empty_folder(out)
        places = {k: out / f'{stem}.xml' for k, stem in stems_of(videos).items()}
    changes = Simplifying(tolerance)
    for video in videos:
        tracks = tracks_of(content, video)
        crowds = any(track['iscrowd'] for track in tracks)
        root = _root(content, video, crowds, tolerance is not None)
        if tolerance is None:
            _images(root, video, tracks, category_names(content), crowds)
        else:
            _tracks(root, video, tracks, category_names(content), crowds, changes)
        ElementTree.indent(root, '  ')
        with whole_file(places[video['id']]) as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write(ElementTree.tostring(root, 'unicode') + '\n')
    return changes.notes()


def _root(
    content: VISAnnotations, video: dict, crowds: bool, is_of_tracks: bool
) -> Element:
    root = Element('annotations')
    SubElement(root, 'version').text = '1.1'
    task = SubElement(SubElement(root, 'meta'), 'task')
    SubElement(task, 'name').text = str(video.get('name') or folder_of(video))
    SubElement(task, 'size').text = str(video['length'])
    mode = 'interpolation' if is_of_tracks else 'annotation'
    SubElement(task, 'mode').text = mode
    SubElement(task, 'start_frame').text = '0'
    SubElement(task, 'stop_frame').text = str(video['length'] - 1)
    labels = SubElement(task, 'labels')
    for name in category_names(content).values():
        label = SubElement(labels, 'label')
        SubElement(label, 'name').text = name
        attributes = SubElement(label, 'attributes')
        if crowds:
            attribute = SubElement(attributes, 'attribute')
            for key, value in (
                ('name', 'iscrowd'),
                ('mutable', 'False'),
                ('input_type', 'checkbox'),
                ('default_value', 'false'),
                ('values', 'false'),
            ):
                SubElement(attribute, key).text = value
    size = SubElement(task, 'original_size')
    for side in ('width', 'height'):
        SubElement(size, side).text = str(video[side])
    return root


def _groups(tracks: list[dict]) -> list[int]:
    """A number above 0 for each track: its id, where all are such numbers."""
    ids = [track['id'] for track in tracks]
    if all(type(number) is int and number > 0 for number in ids):
        return ids
    return list(range(1, len(tracks) + 1))


def _pixels(track: dict, frame: int, video: dict) -> np.ndarray | None:
    mask = track['segmentations'][frame]
    if mask is None:
        return None
    return decode_masks([mask], video['height'], video['width'])[0]


def _mark_crowd(shape: Element, track: dict, crowds: bool) -> None:
    if crowds:
        attribute = SubElement(shape, 'attribute', name='iscrowd')
        attribute.text = str(bool(track['iscrowd'])).lower()


def _images(
    root: Element, video: dict, tracks: list[dict], names: dict[int, str], crowds: bool
) -> None:
    """An element a frame with a mask an object, whose group is the object."""
    width, height = str(video['width']), str(video['height'])
    for frame, name in enumerate(video['file_names']):
        about = dict(id=str(frame), name=name, width=width, height=height)
        image = SubElement(root, 'image', about)
        for group, track in zip(_groups(tracks), tracks, strict=True):
            pixels = _pixels(track, frame, video)
            if pixels is None:
                continue
            left, top, right, bottom = tight_box(pixels)
            runs = _row_runs(pixels[top:bottom, left:right])
            about = dict(
                label=names[track['category_id']],
                source='manual',
                occluded='0',
                rle=', '.join(map(str, runs)),
                left=str(left),
                top=str(top),
                width=str(right - left),
                height=str(bottom - top),
                z_order='0',
                group_id=str(group),
            )
            _mark_crowd(SubElement(image, 'mask', about), track, crowds)


def _row_runs(pixels: np.ndarray) -> list[int]:
    """Run lengths row by row, background first."""
    flat = pixels.ravel()
    begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], begins, [len(flat)]])).tolist()
    return [0, *runs] if flat[0] else runs


def _tracks(
    root: Element,
    video: dict,
    tracks: list[dict],
    names: dict[int, str],
    crowds: bool,
    changes: Simplifying,
) -> None:
    """A track an object, whose frames are all key frames.

    An object of several parts is as many tracks, of one group.
    """
    number = 0
    for group, track in zip(_groups(tracks), tracks, strict=True):
        parts_of_frames = []
        for frame in range(video['length']):
            pixels = _pixels(track, frame, video)
            parts = [] if pixels is None else outlines(pixels, changes.tolerance)
            parts_of_frames.append(parts)
            if pixels is not None:
                changes.compare(pixels, parts)
        most = max(map(len, parts_of_frames))
        about = dict(label=names[track['category_id']], source='manual')
        if most > 1:
            about['group_id'] = str(group)
        for part in range(most):
            element = SubElement(root, 'track', {'id': str(number), **about})
            number += 1
            _polygons(element, [p[part : part + 1] for p in parts_of_frames])
            for shape in element:
                _mark_crowd(shape, track, crowds)


def _polygons(element: Element, of_frames: list[list[np.ndarray]]) -> None:
    """Polygons of a track, and after each run of them one that is outside."""
    last = None
    for frame, polygons in enumerate(of_frames):
        if polygons:
            points = polygons[0].tolist()
            last = ';'.join(f'{x:.2f},{y:.2f}' for x, y in points)
        elif last is None:
            continue
        about = dict(frame=str(frame), keyframe='1', outside=str(int(not polygons)))
        about.update(occluded='0', points=last, z_order='0')
        SubElement(element, 'polygon', about)
        if not polygons:
            last = None
