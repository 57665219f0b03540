"""Data sets of the field in their published layouts, a video of four frames each."""

import json
from pathlib import Path

import numpy as np
from data_factory import make_annotation, string_rle
from PIL import Image
from scenes import HEIGHT, LENGTH, WIDTH, Scene, blobs

FRAMES = [f'{n:05d}.jpg' for n in range(LENGTH)]


def save(path: Path, values: np.ndarray, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image.putpalette(np.arange(768, dtype=np.uint8).tolist())
    image.save(path)


def numbered(scene: Scene) -> dict[str, int]:
    return {name: number for number, name in enumerate(scene.objects, 1)}


def youtube_vis(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'walk', FRAMES)
    ids = {'dog': 1, 'cat': 2}
    annotations = [
        make_annotation(
            masks, True, id=n, video_id=1, category_id=ids[category], iscrowd=0
        )
        for n, (category, masks) in enumerate(scene.objects.values(), 1)
    ]
    video = dict(id=1, height=HEIGHT, width=WIDTH, length=LENGTH)
    content = dict(
        videos=[video | dict(file_names=[f'walk/{name}' for name in FRAMES])],
        categories=[dict(id=i, name=n, freq='c') for n, i in ids.items()],
        annotations=annotations,
    )
    (root / 'train.json').write_text(json.dumps(content))
    return root / 'train.json'


def davis(root: Path) -> Path:
    """DAVIS 2017, with its ``davis_semantics.json``."""
    scene = blobs()
    scene.write_frames(root / 'JPEGImages/480p/walk', FRAMES)
    for frame in range(LENGTH):
        values = scene.labels(frame, numbered(scene)).astype(np.uint8)
        save(root / f'Annotations/480p/walk/{frame:05d}.png', values, palette=True)
    semantics = {str(n): scene.objects[name][0] for name, n in numbered(scene).items()}
    (root / 'semantics.json').write_text(json.dumps({'walk': semantics}))
    return root


def youtube_vos(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'JPEGImages/walk', FRAMES)
    for frame in range(LENGTH):
        values = scene.labels(frame, numbered(scene)).astype(np.uint8)
        save(root / f'Annotations/walk/{frame:05d}.png', values, palette=True)
    objects = {
        str(n): dict(category=scene.objects[name][0], frames=[])
        for name, n in numbered(scene).items()
    }
    meta = dict(videos=dict(walk=dict(objects=objects)))
    (root / 'meta.json').write_text(json.dumps(meta))
    return root


MOTS = ('car', 'car', 'pedestrian')


def mots_values(scene: Scene) -> dict[str, int]:
    """Class * 1000 + number."""
    classes = {'car': 1, 'pedestrian': 2}
    return {
        name: 1000 * classes[category] + number
        for number, (name, (category, _)) in enumerate(scene.objects.items())
    }


def ignored(frame: int) -> np.ndarray:
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[22:, frame : frame + 9] = True
    return region


def kitti_mots(root: Path) -> Path:
    """16-bit PNGs, frames from 0, and a region to ignore."""
    scene = blobs(MOTS)
    names = [f'{n:06d}.png' for n in range(LENGTH)]
    scene.write_frames(root / 'image_02/0000', names)
    for frame, name in enumerate(names):
        values = scene.labels(frame, mots_values(scene))
        values[ignored(frame)] = 10000
        save(root / 'instances/0000' / name, values.astype(np.uint16))
    return root


def mots_text(root: Path, first: int = 1) -> Path:
    """gt.txt of MOTSChallenge, frames from 1."""
    scene = blobs(MOTS)
    names = [f'{n + first:06d}.jpg' for n in range(LENGTH)]
    scene.write_frames(root / 'MOTS20-02/img1', names)
    lines = []
    for frame in range(LENGTH):
        for name, value in mots_values(scene).items():
            mask = scene.objects[name][1][frame]
            if mask.any():
                lines.append(
                    f'{frame + first} {value} {value // 1000} {HEIGHT} {WIDTH} '
                    f'{string_rle(mask)}'
                )
        lines.append(
            f'{frame + first} 10000 10 {HEIGHT} {WIDTH} {string_rle(ignored(frame))}'
        )
    (root / 'MOTS20-02/gt').mkdir()
    (root / 'MOTS20-02/gt/gt.txt').write_text('\n'.join(lines) + '\n')
    return root


def cvat_mots(root: Path) -> Path:
    """CVAT's MOTS PNG: classes in labels.txt, a PNG only where something is."""
    scene = blobs()
    names = [f'frame_{n:06d}.png' for n in range(LENGTH)]
    scene.write_frames(root / 'default/images', names)
    classes = ['cat', 'dog']
    values = {
        name: 1000 * (1 + classes.index(category)) + number
        for number, (name, (category, _)) in enumerate(scene.objects.items())
    }
    for frame, name in enumerate(names):
        save(
            root / 'default/instances' / name,
            scene.labels(frame, values).astype(np.uint16),
        )
    (root / 'default/instances/labels.txt').write_text('\n'.join(classes))
    return root


def burst(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'BDD/walk', FRAMES)
    tracks = numbered(scene)
    ids = {'cat': 225, 'dog': 378}
    sequence = dict(
        id=0,
        width=WIDTH,
        height=HEIGHT,
        seq_name='walk',
        dataset='BDD',
        fps=6,
        all_image_paths=FRAMES,
        annotated_image_paths=FRAMES,
        neg_category_ids=[],
        not_exhaustive_category_ids=[],
        track_category_ids={
            str(n): ids[scene.objects[name][0]] for name, n in tracks.items()
        },
        segmentations=[
            {
                str(n): dict(rle=string_rle(scene.objects[name][1][frame]), is_gt=True)
                for name, n in tracks.items()
                if scene.objects[name][1][frame].any()
            }
            for frame in range(LENGTH)
        ],
    )
    categories = [dict(id=i, name=name) for name, i in (*ids.items(), ('emu', 400))]
    content = dict(sequences=[sequence], categories=categories, split='train')
    (root / 'train.json').write_text(json.dumps(content))
    return root / 'train.json'


def vipseg(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'images/walk', FRAMES)
    of_mask = {'cat': 61, 'dog': 62}
    values = {
        name: 100 * of_mask[category] + number
        for number, (name, (category, _)) in enumerate(scene.objects.items())
    }
    for frame in range(LENGTH):
        pixels = scene.labels(frame, values)
        pixels[pixels == 0] = 12  # stuff
        save(root / f'panomasks/walk/{frame:05d}.png', pixels.astype(np.uint16))
    records = [dict(id=0, name='wall', isthing=0)]
    records += [dict(id=n - 1, name=name, isthing=1) for name, n in of_mask.items()]
    (root / 'panoVIPSeg_categories.json').write_text(json.dumps(records))
    return root


def bdd100k(root: Path) -> Path:
    scene = blobs(MOTS)
    names = [f'b1-{n + 1:07d}.jpg' for n in range(LENGTH)]
    scene.write_frames(root / 'images/train/b1', names)
    categories = {'pedestrian': 1, 'car': 3}
    for frame, name in enumerate(names):
        pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        for number, (category, masks) in enumerate(scene.objects.values(), 300):
            occluded = 4 * (number % 2)
            value = (categories[category], occluded, number >> 8, number & 255)
            pixels[masks[frame]] = value
        pixels[ignored(frame)] = (9, 1, 2, 2)  # another person, to be ignored
        save(root / 'bitmasks/train/b1' / name.replace('.jpg', '.png'), pixels)
    return root
