"""What is labelled: frames and masks, and what an annotation file says of them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmvis.structures import read_annotation_file

HEIGHT, WIDTH, LENGTH = 24, 36, 4


@dataclass
class Scene:
    """A video of four frames.

    Attributes:
        objects: {name: (category, (4, 24, 36) bool)}; none overlap, some are empty.
    """

    objects: dict[str, tuple[str, np.ndarray]]

    def write_frames(self, folder: Path, names: list[str]) -> None:
        """Frames of this many different greys, under any names."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names):
            frame = np.full((HEIGHT, WIDTH, 3), 40 * number, np.uint8)
            cv2.imwrite(str(folder / name), frame)

    def labels(self, frame: int, value_of) -> np.ndarray:
        """(24, 36) int: for each pixel the value of its object, else 0."""
        values = np.zeros((HEIGHT, WIDTH), np.int64)
        for name, (_, masks) in self.objects.items():
            values[masks[frame]] = value_of[name]
        return values


def blobs(categories=('dog', 'dog', 'cat')) -> Scene:
    """Objects of ragged pixels with holes; the second one is away twice."""
    rng = np.random.default_rng(0)
    objects = {}
    for index, category in enumerate(categories):
        masks = np.zeros((LENGTH, HEIGHT, WIDTH), bool)
        for frame in range(LENGTH):
            left = 12 * index + frame % 2
            masks[frame, 3 + frame : 17 + frame, left : left + 10] = (
                rng.random((14, 10)) < 0.7
            )
        if index == 1:
            masks[[0, 2]] = False
        objects[f'{category} {index}'] = (category, masks)
    return Scene(objects)


def boxes() -> Scene:
    """Objects of whole boxes that move a pixel a frame."""
    objects = {}
    for index, category in enumerate(('dog', 'dog', 'cat')):
        masks = np.zeros((LENGTH, HEIGHT, WIDTH), bool)
        for frame in range(LENGTH):
            left = 12 * index + frame
            masks[frame, 4 : 14 + index, left : left + 7] = True
        objects[f'{category} {index}'] = (category, masks)
    return Scene(objects)


def tight_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, the last two beyond the last pixel."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def found_in(path: Path) -> list[tuple[str, int, bytes]]:
    """(category, iscrowd, all pixels) of the objects of a file, sorted."""
    from mmvis.structures.rle import decode_masks

    content = read_annotation_file(str(path))
    names = {c['id']: c['name'] for c in content.categories}
    found = []
    for annotation in content.annotations:
        height, width = annotation['height'], annotation['width']
        masks = np.zeros((annotation['length'], height, width), bool)
        for frame, rle in enumerate(annotation['segmentations']):
            if rle is not None:
                masks[frame] = decode_masks([rle], height, width)[0]
        category = names[annotation['category_id']]
        found.append((category, annotation['iscrowd'], masks.tobytes()))
    return sorted(found)


def expected(scene: Scene) -> list[tuple[str, int, bytes]]:
    """What ``found_in`` gives for a scene."""
    return sorted((c, 0, masks.tobytes()) for c, masks in scene.objects.values())
