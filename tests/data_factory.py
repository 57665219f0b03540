"""Tiny video sets made on the spot: frames of moving shapes and their json."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils


@dataclass
class VISSet:
    """What `make_vis_dataset` wrote.

    Attributes:
        root: the folder; `data_root` of a dataset.
        ann_file: the json, `root / 'instances.json'`.
        prefix: folder of the frames under `root`.
        masks: {annotation id: (frames, h, w) bool}, all False where null.
        content: the json's content.
    """

    root: Path
    ann_file: Path
    prefix: str
    masks: dict[int, np.ndarray]
    content: dict

    def write(self) -> None:
        """Write `content` again after changing it."""
        text = json.dumps(self.content, ensure_ascii=False)
        self.ann_file.write_text(text, encoding='utf-8')

    def dataset_cfg(self, **kwargs) -> dict:
        """A config of YouTubeVISDataset on this set."""
        return (
            dict(
                type='YouTubeVISDataset',
                data_root=str(self.root),
                ann_file=self.ann_file.name,
                data_prefix=dict(img_path=self.prefix),
            )
            | kwargs
        )


def make_vis_dataset(
    root: Path,
    lengths: Sequence[int] = (4, 3),
    size: tuple[int, int] = (48, 64),
    categories: Sequence[tuple[int, str]] = ((1, 'box'), (2, 'disc')),
    objects: int = 2,
    nulls: dict[int, Sequence[int]] | None = None,
    crowds: Sequence[int] = (),
    labelled: bool = True,
    list_counts: bool = False,
    suffix: str = '.png',
    seed: int = 0,
) -> VISSet:
    """Write frames and a YouTube-VIS json.

    Even objects are rectangles of the first category, odd ones ellipses of the second,
    and so on in turn; each moves on its own straight line and stays inside the frame.
    Masks are drawn where the frame shows the shape, later objects over earlier ones.

    Args:
        root: an existing folder.
        lengths: frames of each video. Video ids are 1, 2, ...
        size: height and width in pixels.
        categories: (id, name) in file order.
        objects: objects a video. Annotation ids are 1, 2, ... through all videos.
        nulls: {annotation id: frames in which it is neither drawn nor annotated}.
        crowds: annotation ids with iscrowd 1.
        labelled: False leaves "annotations" out, as the public valid splits do.
        list_counts: masks as lists of run lengths, as in the official files.
        suffix: of the frames, '.png' or '.jpg'.
        seed: of places, speeds and colours.
    """
    rng = np.random.default_rng(seed)
    nulls, prefix = nulls or {}, 'JPEGImages'
    videos, annotations, all_masks = [], [], {}
    for video_id, length in enumerate(lengths, 1):
        ids = [len(all_masks) + n + 1 for n in range(objects)]
        frames = rng.integers(60, 90, (length, *size, 3)).astype(np.uint8)
        masks = np.zeros((objects, length, *size), dtype=bool)
        for n, annotation_id in enumerate(ids):
            colour = rng.integers(120, 256, 3)
            places = _line(rng, size, length)
            for t in range(length):
                if t not in nulls.get(annotation_id, ()):
                    shape = _shape(n, places[t], size)
                    masks[:, t] &= ~shape
                    masks[n, t] = shape
                    frames[t][shape] = colour
        names = [f'video_{video_id}/{t * 5:05d}{suffix}' for t in range(length)]
        for name, frame in zip(names, frames, strict=True):
            write_frame(root / prefix / name, frame)
        videos.append(
            dict(
                id=video_id,
                height=size[0],
                width=size[1],
                length=length,
                file_names=names,
            )
        )
        for n, annotation_id in enumerate(ids):
            all_masks[annotation_id] = masks[n]
            annotations.append(
                make_annotation(
                    masks[n],
                    id=annotation_id,
                    video_id=video_id,
                    category_id=categories[n % len(categories)][0],
                    iscrowd=int(annotation_id in crowds),
                    list_counts=list_counts,
                )
            )
    content = dict(
        info=dict(description='generated'),
        videos=videos,
        categories=[dict(id=number, name=name) for number, name in categories],
    )
    if labelled:
        content['annotations'] = annotations
    vis_set = VISSet(root, root / 'instances.json', prefix, all_masks, content)
    vis_set.write()
    return vis_set


def make_annotation(masks: np.ndarray, list_counts: bool = False, **members) -> dict:
    """An annotation of the file from masks (frames, h, w); an empty mask is null."""
    length, height, width = masks.shape
    segmentations, bboxes, areas = [], [], []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        if len(rows) == 0:
            values = (None, None, None)
        else:
            x, y = int(columns.min()), int(rows.min())
            box = [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1]
            counts = list_rle(mask) if list_counts else string_rle(mask)
            values = ({'size': [height, width], 'counts': counts}, box, len(rows))
        for values_of_key, value in zip(
            (segmentations, bboxes, areas), values, strict=True
        ):
            values_of_key.append(value)
    return members | dict(
        height=height,
        width=width,
        length=length,
        segmentations=segmentations,
        bboxes=bboxes,
        areas=areas,
    )


def list_rle(mask: np.ndarray) -> list[int]:
    """Run lengths of a mask (h, w), column by column, background first."""
    runs, value = [0], False
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def string_rle(mask: np.ndarray) -> str:
    """Compressed counts of a mask (h, w), by pycocotools."""
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))['counts'].decode()


def write_frame(path: Path, frame: np.ndarray) -> None:
    """Write a frame (h, w) or (h, w, 3) under any name, whatever the locale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, frame)[1].tobytes())


def _line(
    rng: np.random.Generator, size: tuple[int, int], length: int
) -> list[tuple[int, int]]:
    """Centres (y, x) on a line between two random points away from the borders."""
    margin = np.array(size) // 4
    start = rng.integers(margin, size - margin)
    end = rng.integers(margin, size - margin)
    steps = np.linspace(0, 1, length)[:, None]
    return [tuple(p) for p in np.rint(start + steps * (end - start)).astype(int)]


def _shape(kind: int, centre: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """A rectangle (even kinds) or an ellipse, a third of the frame high and wide."""
    y, x = np.mgrid[: size[0], : size[1]]
    v, u = (y - centre[0]) / (size[0] / 6), (x - centre[1]) / (size[1] / 6)
    return np.maximum(abs(u), abs(v)) <= 1 if kind % 2 == 0 else u * u + v * v <= 1
