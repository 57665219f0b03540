"""One video of SynthVIS: frames, masks and its part of the annotation file."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...structures.rle import encode_masks
from .attributes import Measurements, measure_attributes
from .fixed_point import Stream
from .render import render_frames, render_masks, smears
from .scene import PRESETS, Preset, Scene
from .scripts import plan_scene

VERSION = '1.0'
"""Version of the benchmark: any change of a pixel or of an annotation raises it."""

_ATTEMPTS = 64
_MAX_OBJECTS = 100


def min_visible_pixels(preset: Preset) -> int:
    """The fewest visible pixels of an annotated object: 12 in a tiny frame."""
    return 12 * preset.height**2 // 96**2


def check_request(version: str, preset: str, index: int = 0) -> Preset:
    """The preset of that name; ValueError for what cannot be generated."""
    if version != VERSION:
        raise ValueError(
            f'SynthVIS {version!r} is not known: this package generates {VERSION!r}'
        )
    if preset not in PRESETS:
        raise ValueError(
            f'SynthVIS has no preset {preset!r}: choose one of {", ".join(PRESETS)}'
        )
    if index < 0:
        raise ValueError(f'The index of a SynthVIS video must be >= 0, not {index}')
    return PRESETS[preset]


def whole(number: int) -> int:
    """A Python int of any integer type; TypeError for anything else."""
    return operator.index(number)


def _boxes(masks: np.ndarray) -> np.ndarray:
    """Tight boxes x, y, w, h of (N, T, H, W) masks; (N, T, 4) int64, 0 if empty."""
    boxes = []
    for axis in (2, 3):  # columns, then rows
        hits = np.asarray(masks.any(axis))
        first = hits.argmax(-1)
        last = hits.shape[-1] - hits[..., ::-1].argmax(-1)
        boxes.append((first, np.where(hits.any(-1), last - first, 0)))
    (x, w), (y, h) = boxes
    return np.stack([x, y, w, h], axis=-1)


def _encode(masks: np.ndarray) -> list[dict[str, Any]]:
    """Compressed run lengths of (n, H, W) masks, counts as text."""
    return [
        {'size': list(rle['size']), 'counts': rle['counts'].decode('ascii')}
        for rle in encode_masks(masks)
    ]


def _null_unless(visible: list[bool], values: list) -> list:
    return [v if seen else None for v, seen in zip(values, visible, strict=True)]


def render_scene(
    version: str, split: str, seed: int, index: int, preset: str = 'tiny'
) -> tuple[Scene, np.ndarray, Measurements]:
    """Plan a video until it has what its script asks for, and render its masks.

    A plan is thrown away when an attribute of its script does not come out, or when
    an object is seen in less than a third of the frames.

    Returns:
        The scene, its (N, T, H, W) visible masks and what was measured.
    """
    size = check_request(version, preset, index)
    # Streams depend on how their key is printed, which differs for NumPy's numbers.
    seed, index = whole(seed), whole(index)
    split_stream = Stream('SynthVIS', version, str(split), seed)
    min_pixels = min_visible_pixels(size)
    planned: Iterable[str] = ()
    for attempt in range(_ATTEMPTS):
        scene = plan_scene(split_stream, index, attempt, size)
        planned = scene.planned
        masks, amodal = render_masks(scene, min_pixels)
        measurements = Measurements(
            areas=masks.sum((2, 3)),
            amodal_areas=amodal,
            boxes=_boxes(masks),
            smears=smears(scene),
            height=size.height,
            width=size.width,
            min_pixels=min_pixels,
            twins=scene.twins,
        )
        seen = measurements.visible.sum(1)
        if (3 * seen >= scene.length).all() and set(planned) <= set(
            measure_attributes(measurements)
        ):
            return scene, masks, measurements
    raise RuntimeError(
        f'SynthVIS {version} {split} seed {seed}: no plan for video {index} shows '
        f'{" and ".join(planned)} in {_ATTEMPTS} attempts; use another seed'
    )


def make_record(
    index: int, scene: Scene, masks: np.ndarray, m: Measurements
) -> dict[str, Any]:
    """The video's part of the annotation file: its entry and its annotations."""
    video_id, size = index + 1, (m.height, m.width)
    rles = _encode(masks.reshape(-1, *size))
    annotations = []
    for k, thing in enumerate(scene.objects):
        assert thing.category is not None  # static things are not among objects
        visible = m.visible[k].tolist()
        row = rles[k * scene.length : (k + 1) * scene.length]
        boxes, areas = m.boxes[k].tolist(), m.areas[k].tolist()
        annotations.append(
            {
                'id': index * _MAX_OBJECTS + k + 1,
                'video_id': video_id,
                'category_id': thing.category.id,
                'iscrowd': 0,
                'height': m.height,
                'width': m.width,
                'length': scene.length,
                'segmentations': _null_unless(visible, row),
                'bboxes': _null_unless(visible, boxes),
                'areas': _null_unless(visible, areas),
                'amodal_areas': m.amodal_areas[k].tolist(),
            }
        )
    video = {
        'id': video_id,
        'height': m.height,
        'width': m.width,
        'length': scene.length,
        'file_names': [f'{index:04d}/{t:05d}.png' for t in range(scene.length)],
        'attributes': measure_attributes(m),
    }
    return {'video': video, 'annotations': annotations}


def generate_video(
    version: str, split: str, seed: int, index: int, preset: str = 'tiny'
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Generate one video; the same bytes on every machine.

    Args:
        version: Version of the benchmark, ``VERSION``.
        split: Name of the split; it is part of what the randomness starts from.
        seed: Seed of the split.
        index: The video's place in the split. Videos do not depend on each other.
        preset: 'tiny' (96x160), 'small' (192x320), 'full' (360x640), or 'bench' (96x160
            of four categories that are easily told apart).

    Returns:
        frames (T, H, W, 3) uint8 in BGR order; masks (N, T, H, W) bool, the visible
        pixels of each object at the frame's time, empty where the annotation is null;
        and the record ``{'video': ..., 'annotations': [...]}`` in YouTube-VIS form.

    Raises:
        ValueError: An unknown version or preset, or a negative index.
    """
    scene, masks, measurements = render_scene(version, split, seed, index, preset)
    record = make_record(whole(index), scene, masks, measurements)
    return render_frames(scene), masks, record
