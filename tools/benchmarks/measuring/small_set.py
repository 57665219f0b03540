"""A small set of videos in every form that the commands read, and those commands.

What a command takes on it is what it takes to start: two videos of a few frames with
two objects each.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from PIL import Image, ImageDraw

TOOLS = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH, FRAMES, VIDEOS = 48, 64, 4, 2
FRAME_FOLDER = 'train/JPEGImages'
# As many as the tiny configs for videos of one's own have.
CATEGORIES = [dict(id=number, name=f'shape {number}') for number in range(1, 10)]
# Left, top and size of the objects of each video, and what they move by in a frame.
OBJECTS = ((4, 6, 14, 20, 3, 1), (40, 24, 16, 10, -4, 1))


# Words of each script; {0} is the folder of the set. Files are written where it is run.
WORK = {
    'dataset_tools/validate.py': '{0}/instances.json',
    'dataset_tools/merge.py': '{0}/instances.json:{0}/{1} --root {0} --out merged.json',
    'dataset_tools/split.py': '{0}/instances.json --parts one=1 other=rest',
    'dataset_tools/from_coco_video.py': '{0}/coco_video.json --out video.json',
    'dataset_tools/from_mask_folders.py': (
        '--masks {0}/masks --frames {0}/{1} --out masks.json'
    ),
    'dataset_tools/convert.py': '--from youtube-vis {0}/instances.json --out c.json',
    'dataset_tools/export.py': '{0}/instances.json --to coco --out coco.json',
    'dataset_tools/coco_images.py': '{0}/coco_images.json --out images.json',
    'dataset_tools/browse.py': '--ann {0}/instances.json --img-prefix {0}/{1} --out b',
    'dataset_tools/synth_vis.py': (
        '--train 1 --valid 0 --workers 1 --overwrite --out synth_vis'
    ),
    'analysis_tools/eval_results.py': '{0}/results.json {0}/instances.json --classwise',
    'analysis_tools/check_submission.py': '{0}/results.json {0}/instances.json',
    'analysis_tools/compare_runs.py': (
        '{0}/instances.json --run a={0}/results.json,{0}/results.json'
    ),
    'analysis_tools/analyze_errors.py': (
        '{0}/results.json {0}/instances.json --img-prefix {0}/{1}'
    ),
    'analysis_tools/render_results.py': (
        '--ann {0}/instances.json --results {0}/results.json --img-prefix {0}/{1} '
        '--out results.mp4'
    ),
    'analysis_tools/plot_curves.py': '{0}/scalars.json',
}
LOADERS = [
    f'{kind}_dataloader.{setting}'
    for kind in ('train', 'val', 'test')
    for setting in ('num_workers=0', 'persistent_workers=False')
]
# What builds a network, in the order in which one needs another's files; {2} is a
# config. Words that begin with -m are a module's.
NETWORK_WORK = {
    'train.py, one iteration': 'train.py {2} {3}',
    'test.py, two videos': 'test.py {2} {0}/run/iter_1.pth {3}',
    'python -m mmvis, four frames': (
        '-m mmvis {0}/{1}/1 --config {2} --weights {0}/run/iter_1.pth --device cpu '
        '--out {0}/seen'
    ),
}
CONFIG = 'tiny/masktrack_rcnn_tiny_videos.py'
OPTIONS = (
    '--work-dir {0}/run --cfg-options data_root={0}/ train_cfg.max_iters=1 '
    'train_cfg.val_interval=1 default_hooks.checkpoint.interval=1 ' + ' '.join(LOADERS)
)


def small_commands(folder: Path, work: dict[str, str] = WORK) -> dict[str, list[str]]:
    """The words after ``python`` for each of ``WORK`` or ``NETWORK_WORK``.

    Args:
        folder (Path): That :func:`write_small_set` filled.
    """
    config = TOOLS.parent / 'configs' / CONFIG
    commands = {}
    for title, text in work.items():
        words = text if title in NETWORK_WORK else f'{title} {text}'
        words = words.replace('{3}', OPTIONS).split()
        words = [word.format(folder, FRAME_FOLDER, config) for word in words]
        if words[0] != '-m':
            words[0] = str(TOOLS / words[0])
        commands[title] = words
    return commands


def write_small_set(folder: Path) -> None:
    """Write all files into an existing folder."""
    content = _annotation_file()
    rng = random.Random(0)
    for video in content['videos']:
        tracks = [a for a in content['annotations'] if a['video_id'] == video['id']]
        for t, name in enumerate(video['file_names']):
            noise = bytes(rng.randrange(40, 90) for _ in range(3 * HEIGHT * WIDTH))
            frame = Image.frombytes('RGB', (WIDTH, HEIGHT), noise)
            mask = Image.new('P', (WIDTH, HEIGHT))
            mask.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
            for index, track in enumerate(tracks, 1):
                x, y, w, h = track['bboxes'][t]
                box = (x, y, x + w - 1, y + h - 1)
                ImageDraw.Draw(frame).rectangle(box, (180, 80 * index, 60))
                ImageDraw.Draw(mask).rectangle(box, index)
            for image, root in ((frame, FRAME_FOLDER), (mask, 'masks')):
                path = folder / root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                image.save(path)
    scalars = [dict(lr=0.1, loss=3 / (i + 1), step=i + 1) for i in range(5)]
    files = {
        'instances.json': json.dumps(content),
        'results.json': json.dumps(_results(content)),
        'coco_video.json': json.dumps(_coco(content, 'video')),
        'coco_images.json': json.dumps(_coco(content, 'image')),
        'scalars.json': '\n'.join(map(json.dumps, [*scalars, dict(AP50=0.5, step=5)])),
    }
    for name, text in files.items():
        (folder / name).write_text(text)


def _annotation_file() -> dict:
    videos, annotations = [], []
    for number in range(1, VIDEOS + 1):
        names = [f'{number}/{t:05d}.png' for t in range(FRAMES)]
        size = dict(height=HEIGHT, width=WIDTH, length=FRAMES)
        videos.append(dict(id=number, file_names=names, **size))
        for category, (x, y, w, h, dx, dy) in enumerate(OBJECTS, 1):
            boxes = [[x + dx * t, y + dy * t, w, h] for t in range(FRAMES)]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    video_id=number,
                    category_id=category,
                    iscrowd=0,
                    segmentations=[_run_lengths(*box) for box in boxes],
                    bboxes=boxes,
                    areas=[w * h] * FRAMES,
                    **size,
                )
            )
    return dict(videos=videos, annotations=annotations, categories=CATEGORIES)


def _run_lengths(x: int, y: int, w: int, h: int) -> dict:
    """A rectangle, column by column."""
    counts = [x * HEIGHT + y, *[h, HEIGHT - h] * (w - 1), h]
    counts.append(HEIGHT * WIDTH - sum(counts))
    return dict(size=[HEIGHT, WIDTH], counts=counts)


def _results(content: dict) -> list[dict]:
    """The ground truth as a results file; one object of the second video is missed."""
    return [
        dict(
            video_id=track['video_id'],
            category_id=track['category_id'],
            score=0.9,
            segmentations=[_packed(mask) for mask in track['segmentations']],
        )
        for track in content['annotations'][:-1]
    ]


def _packed(mask: dict) -> dict:
    """The mask with its run lengths as text, as COCO packs them."""
    counts, text = mask['counts'], ''
    for index, count in enumerate(counts):
        value, more = count - (counts[index - 2] if index > 2 else 0), True
        while more:
            group, value = value & 31, value >> 5
            more = value != (-1 if group & 16 else 0)
            text += chr(48 + group + 32 * more)
    return dict(mask, counts=text)


def _coco(content: dict, of: str) -> dict:
    """The set as COCO has it: frames as images, of videos or for themselves."""
    images, annotations = [], []
    for video in content['videos']:
        for t, name in enumerate(video['file_names']):
            image = dict(id=len(images), file_name=name, height=HEIGHT, width=WIDTH)
            if of == 'video':
                image.update(video_id=video['id'], frame_id=t)
            images.append(image)
    for track in content['annotations']:
        for t, box in enumerate(track['bboxes']):
            annotations.append(
                dict(
                    id=len(annotations),
                    image_id=(track['video_id'] - 1) * FRAMES + t,
                    instance_id=track['id'],
                    category_id=track['category_id'],
                    iscrowd=0,
                    segmentation=track['segmentations'][t],
                    bbox=box,
                    area=box[2] * box[3],
                )
            )
    return dict(images=images, annotations=annotations, categories=CATEGORIES)
