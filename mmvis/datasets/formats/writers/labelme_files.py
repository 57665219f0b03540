"""labelme's jsons, to correct masks by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from mmvis.structures import VISAnnotations
from mmvis.structures.frame_names import native_name
from mmvis.structures.rle import decode_masks

from ..outlines import outlines
from ..shapes import pixels_to_png
from .objects import (
    category_names,
    empty_folder,
    folder_of,
    frame_stems,
    note_of_order,
    tracks_of,
)
from .simplifying import Simplifying, tight_box

_VERSION = '5.5.0'  # of labelme, the first digits of which it checks


def write_labelme(
    content: VISAnnotations,
    out: Path,
    frames: Path | None = None,
    tolerance: float | None = None,
) -> list[str]:
    """``<out>/<video>/<frame>.json``, a mask a shape; ``group_id`` is the object's id.

    Args:
        content: what is written.
        out: a new folder.
        frames: folder of the frames, which imagePath leads to; without it the images
            are expected beside the jsons.
        tolerance: None: masks. Else polygons, of which points within so many pixels are
            left out.
    """
    empty_folder(out)
    changes = Simplifying(tolerance)
    names = category_names(content)
    for video in content.videos:
        folder = out / folder_of(video)
        folder.mkdir(parents=True, exist_ok=True)
        tracks = tracks_of(content, video)
        for frame, stem in enumerate(frame_stems(video)):
            shapes = []
            for track in tracks:
                mask = track['segmentations'][frame]
                if mask is None:
                    continue
                pixels = decode_masks([mask], video['height'], video['width'])[0]
                common = dict(
                    label=names[track['category_id']],
                    group_id=track['id'],
                    description='',
                    flags={'iscrowd': True} if track['iscrowd'] else {},
                )
                drawn = [_mask(pixels)]
                if tolerance is not None:
                    parts = outlines(pixels, tolerance)
                    changes.compare(pixels, parts)
                    drawn = [
                        dict(shape_type='polygon', points=part.astype(float).tolist())
                        for part in parts
                    ]
                shapes += [common | shape for shape in drawn]
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
    notes = changes.notes() + note_of_order(content.videos)
    if frames is None:
        notes.append(
            'labelme looks for the images beside the jsons; --frames names others.'
        )
    return notes


def _mask(pixels: np.ndarray) -> dict:
    """A mask as a shape: its box, and a PNG of that."""
    left, top, right, bottom = tight_box(pixels)
    return dict(
        points=[[float(left), float(top)], [float(right - 1), float(bottom - 1)]],
        shape_type='mask',
        mask=pixels_to_png(pixels[top:bottom, left:right]),
    )
