"""Folders of mask images, painted from the masks of a set."""

from pathlib import Path

import numpy as np
from PIL import Image

from mmvis.datasets.converters import convert_mask_folders

SIZE = (48, 64)
# Of value 0, of the first object, of the second, ...
COLOURS = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0], [9, 9, 9]], np.uint8)


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def indexed(values: np.ndarray, palette: np.ndarray = COLOURS) -> Image.Image:
    image = Image.fromarray(values)
    image.putpalette(palette.tobytes())
    return image


def with_own_palette(values: np.ndarray) -> Image.Image:
    """As optimisers of PNG files write: the order of colours is this frame's."""
    order = np.random.default_rng(values).permutation(len(COLOURS))
    return indexed(np.argsort(order).astype(np.uint8)[values], COLOURS[order])


def on_transparent(values: np.ndarray) -> Image.Image:
    alpha = 255 * (values > 0).astype(np.uint8)
    colours = np.where(values[..., None] > 0, COLOURS[values], 77).astype(np.uint8)
    return Image.fromarray(np.dstack([colours, alpha]))


FORMS = {
    'index': indexed,
    'grey': Image.fromarray,
    'grey_16_bit': lambda values: Image.fromarray(values.astype(np.uint16) * 300),
    'grey_in_three_channels': lambda values: Image.fromarray(np.dstack([values] * 3)),
    'colour': lambda values: Image.fromarray(COLOURS[values]),
    'own_palettes': with_own_palette,
    'transparent': on_transparent,
}


def paint(vis_set, folder: Path, form: str) -> None:
    """Write all masks of a set as images of a form."""
    objects = vis_set.content['annotations']
    for video in vis_set.content['videos']:
        ids = [a['id'] for a in objects if a['video_id'] == video['id']]
        for frame, name in enumerate(video['file_names']):
            path = folder / Path(name).with_suffix('.png')
            values = np.zeros(SIZE, np.uint8)
            for value, number in enumerate(ids, start=1):
                mask = vis_set.masks[number][frame]
                values[mask] = value
                if form == 'folders' and (mask.any() or frame % 2):
                    white = np.uint8(255) * mask
                    binary = Image.fromarray(mask if value == 1 else white)
                    save(binary, path.parent / f'object {value}' / path.name)
            if form != 'folders':
                save(FORMS[form](values), path)


def convert(vis_set, **kwargs):
    root = vis_set.root
    frames = root / vis_set.prefix
    return convert_mask_folders(root / 'masks', frames, root / 'out.json', **kwargs)


def write_values(vis_set, values: list[list[int]], form: str = 'index') -> None:
    """Masks of the first video whose rows have these values, frame by frame."""
    for name, row in zip(
        vis_set.content['videos'][0]['file_names'], values, strict=False
    ):
        rows = np.repeat(np.array(row, np.uint8), SIZE[0] // len(row))
        image = FORMS[form](np.repeat(rows[:, None], SIZE[1], axis=1))
        save(image, vis_set.root / 'masks' / Path(name).with_suffix('.png'))
