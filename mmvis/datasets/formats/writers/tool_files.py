"""labelme's jsons and CVAT's xml, to correct masks by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from mmvis.structures import VISAnnotations
from mmvis.structures.frame_names import native_name
from mmvis.structures.rle import decode_masks
from mmvis.structures.whole_file import whole_file

from ..shapes import pixels_to_png
from .objects import category_names, empty_folder, folder_of, frame_stems, stems_of
from .objects import tracks_of as _tracks_of

_VERSION = '5.5.0'  # of labelme, the first digits of which it checks


def write_labelme(
    content: VISAnnotations, out: Path, frames: Path | None = None
) -> list[str]:
    """``<out>/<video>/<frame>.json``, a mask a shape; ``group_id`` is the object's id.

    Args:
        content: what is written.
        out: a new folder.
        frames: folder of the frames, which imagePath leads to; without it the images
            are expected beside the jsons.
    """
    empty_folder(out)
    names = category_names(content)
    for video in content.videos:
        folder = out / folder_of(video)
        folder.mkdir(parents=True, exist_ok=True)
        tracks = _tracks_of(content, video)
        for frame, stem in enumerate(frame_stems(video)):
            shapes = []
            for track in tracks:
                mask = track['segmentations'][frame]
                if mask is None:
                    continue
                pixels = decode_masks([mask], video['height'], video['width'])[0]
                left, top, right, bottom = _tight(pixels)
                shapes.append(
                    dict(
                        label=names[track['category_id']],
                        points=[
                            [float(left), float(top)],
                            [float(right - 1), float(bottom - 1)],
                        ],
                        group_id=track['id'],
                        description='',
                        shape_type='mask',
                        flags={'iscrowd': True} if track['iscrowd'] else {},
                        mask=pixels_to_png(pixels[top:bottom, left:right]),
                    )
                )
            name = native_name(video['file_names'][frame])
            image = os.path.basename(name)
            if frames is not None:
                image = os.path.relpath(frames / name, folder)
            record = dict(
                version=_VERSION,
                flags={},
                shapes=shapes,
                imagePath=image,
                imageData=None,
                imageHeight=video['height'],
                imageWidth=video['width'],
            )
            text = json.dumps(record, indent=2)
            (folder / f'{native_name(stem)}.json').write_text(text, encoding='utf-8')
    if frames is None:
        return ['labelme looks for the images beside the jsons; --frames names others.']
    return []


def write_cvat(content: VISAnnotations, out: Path) -> list[str]:
    """CVAT for video 1.1: ``out`` for one video, else a folder with an xml a video.

    Each mask is a key frame, so that CVAT has nothing to interpolate.
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
    for video in videos:
        root = _task(content, video)
        ElementTree.indent(root, '  ')
        with whole_file(places[video['id']]) as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write(ElementTree.tostring(root, 'unicode') + '\n')
    return []


def _task(content: VISAnnotations, video: dict) -> Element:
    names, tracks = category_names(content), _tracks_of(content, video)
    has_crowds = any(track['iscrowd'] for track in tracks)
    root = Element('annotations')
    SubElement(root, 'version').text = '1.1'
    task = SubElement(SubElement(root, 'meta'), 'task')
    SubElement(task, 'name').text = str(video.get('name') or folder_of(video))
    SubElement(task, 'size').text = str(video['length'])
    SubElement(task, 'mode').text = 'interpolation'
    SubElement(task, 'start_frame').text = '0'
    SubElement(task, 'stop_frame').text = str(video['length'] - 1)
    labels = SubElement(task, 'labels')
    for name in names.values():
        label = SubElement(labels, 'label')
        SubElement(label, 'name').text = name
        attributes = SubElement(label, 'attributes')
        if has_crowds:
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
    for number, track in enumerate(tracks):
        element = SubElement(
            root,
            'track',
            id=str(number),
            label=names[track['category_id']],
            source='manual',
        )
        _shapes(element, track, video, has_crowds)
    return root


def _shapes(element: Element, track: dict, video: dict, has_crowds: bool) -> None:
    """Masks of a track, and after each run of them one that is outside."""
    last: dict[str, str] | None = None
    for frame, mask in enumerate(track['segmentations']):
        if mask is not None:
            pixels = decode_masks([mask], video['height'], video['width'])[0]
            left, top, right, bottom = _tight(pixels)
            last = dict(
                rle=', '.join(map(str, _row_runs(pixels[top:bottom, left:right]))),
                left=str(left),
                top=str(top),
                width=str(right - left),
                height=str(bottom - top),
            )
        elif last is None:
            continue
        about = dict(frame=str(frame), keyframe='1', outside=str(int(mask is None)))
        about.update(occluded='0', z_order='0', **last)
        shape = SubElement(element, 'mask', about)
        if has_crowds:
            crowd = SubElement(shape, 'attribute', name='iscrowd')
            crowd.text = str(bool(track['iscrowd'])).lower()
        if mask is None:
            last = None


def _row_runs(pixels: np.ndarray) -> list[int]:
    """Run lengths row by row, background first."""
    flat = pixels.ravel()
    begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], begins, [len(flat)]])).tolist()
    return [0, *runs] if flat[0] else runs


def _tight(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels, the last two beyond them."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1]) + 1,
        int(rows[-1]) + 1,
    )
