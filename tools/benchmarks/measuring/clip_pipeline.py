"""Clips of 720p videos through a config's data pipeline, timed by step."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmvis.apis import find_config
from mmvis.datasets.sample_draws import DrawnIndex
from mmvis.registry import DATASETS, TRANSFORMS

from .stage_times import OTHER, Stopwatch, Wrappers

FOLDER = 'JPEGImages'
ITEM, BATCH = 'item of the set', 'batch of clips'
# Parts of a transform that are counted by themselves, by names of methods. Masks are
# decoded where they are first needed, in Resize or RandomFlip for example.
PARTS = {'_decode': 'decode', '_load_masks': 'masks'}


def write_set(folder: Path, size: tuple[int, int], videos: int, frames: int) -> None:
    """Videos of textured frames, JPEGs of some 100 kB, with two or three objects each.

    Masks are lists of run lengths, as in the official files.
    """
    random = np.random.default_rng(0)
    height, width = size
    coarse = random.integers(0, 256, (height // 16, width // 8, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 2, wide.shape)
    wide = (wide + grain).clip(0, 255).astype(np.uint8)
    records, annotations = [], []
    for video in range(1, videos + 1):
        names = [f'{video}/{t:05d}.jpg' for t in range(frames)]
        places = random.integers(0, width, frames)
        for name, start in zip(names, places, strict=True):
            path = folder / FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), wide[:, start : start + width])
        shape = dict(height=height, width=width, length=frames)
        records.append(dict(id=video, file_names=names, **shape))
        for _ in range(2 + video % 2):
            masks = [_blob(random, height, width) for _ in range(frames)]
            boxes, areas, segmentations = zip(*masks, strict=True)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    video_id=video,
                    category_id=1 + len(annotations) % 40,
                    iscrowd=0,
                    segmentations=segmentations,
                    bboxes=boxes,
                    areas=areas,
                    **shape,
                )
            )
    categories = [dict(id=c, name=f'category {c}') for c in range(1, 41)]
    content = dict(videos=records, annotations=annotations, categories=categories)
    (folder / 'instances.json').write_text(json.dumps(content))


def _blob(random: np.random.Generator, height: int, width: int) -> tuple:
    """Box, area and list of run lengths of an upright blob with a wobbling border."""
    columns = int(random.integers(width // 9, width // 5))
    left = int(random.integers(0, width - columns))
    wobble = random.integers(-6, 7, (2, columns)).cumsum(1)
    top = (height // 3 + wobble[0]).clip(1, height // 2 - 1)
    bottom = (2 * height // 3 + wobble[1]).clip(height // 2 + 1, height - 1)
    starts = (left + np.arange(columns)) * height + top
    edges = np.stack([starts, starts - top + bottom], 1).ravel()
    counts = np.diff(edges, prepend=0, append=height * width).tolist()
    box = [left, int(top.min()), columns, int(bottom.max() - top.min())]
    rle = dict(size=[height, width], counts=counts)
    return box, int((bottom - top).sum()), rle


def training_loader(config: str, folder: Path) -> dict:
    """The config's training loader, reading the set of :func:`write_set`.

    Raises:
        ValueError: It does not read one set of videos.
    """
    cfg = Config.fromfile(find_config(config))
    init_default_scope('mmvis')
    loader = cfg.train_dataloader
    if loader.dataset.type != 'YouTubeVISDataset':
        raise ValueError(f'{config} trains on {loader.dataset.type}, not on videos.')
    loader.dataset.update(
        data_root=str(folder),
        ann_file='instances.json',
        data_prefix=dict(img_path=FOLDER),
    )
    loader.dataset.pop('metainfo', None)
    return loader


def clips(dataset: Any, number: int) -> Iterator[tuple]:
    """Indices of key frames, and what their draws start from: the same every time."""
    for place in range(number):
        video = place % len(dataset)
        frames = dataset.get_key_frames(video)
        yield DrawnIndex((video, int(frames[place % len(frames)])), (0, 0, place))


def compare(config: str, folder: Path, number: int, rounds: int) -> dict[str, Any]:
    """CPU milliseconds of a clip by step, as it is and as mmdet does it.

    Both take turns in this process; of several rounds the fastest counts. That they
    give the same clips is looked at first.

    Raises:
        ValueError: They do not.
    """
    loader = training_loader(config, folder)
    dataset = DATASETS.build(loader.dataset)
    with mmdets_steps():
        theirs = [dataset[index] for index in clips(dataset, 3)]
    for index, wanted in zip(clips(dataset, 3), theirs, strict=True):
        if not equal_clips(dataset[index], wanted):
            raise ValueError(f"The clips of {config} are not those of mmdet's steps.")
    ours, others = [], []
    for _ in range(rounds):
        ours.append(time_steps(dataset, number))
        with mmdets_steps():
            others.append(time_steps(dataset, number))
    best, other = (min(rows, key=total) for rows in (ours, others))
    return dict(
        config=config,
        batch=loader.batch_size,
        ms=best,
        mmdet_ms=other,
        clips_a_second=1000 / total(best),
        ratio=total(other) / total(best),
    )


def total(ms: dict[str, float]) -> float:
    """Milliseconds of all steps."""
    return sum(ms.values())


def time_steps(dataset: Any, number: int) -> dict[str, float]:
    """CPU milliseconds of a clip in each step, in this process."""
    stopwatch, wrappers = Stopwatch(clock=time.process_time), Wrappers()

    def timed(stage: str):
        def make(original):
            def wrapper(*args, **kwargs):
                with stopwatch.stage(stage):
                    return original(*args, **kwargs)

            return wrapper

        return make

    wrappers.replace(dataset, 'get_data_info', timed(ITEM))
    for transform in nested(dataset.pipeline.transforms):
        name = type(transform).__name__
        if not hasattr(transform, 'transforms'):
            wrappers.replace(transform, 'transform', timed(name))
            for method, part in PARTS.items():
                if hasattr(transform, method):
                    wrappers.replace(transform, method, timed(f'{name}: {part}'))
    try:
        for warm_up in clips(dataset, 2):
            dataset[warm_up]
        stopwatch.seconds.clear()
        with stopwatch.stage(OTHER):
            for index in clips(dataset, number):
                dataset[index]
    finally:
        wrappers.undo()
    return {stage: 1000 * s / number for stage, s in stopwatch.seconds.items()}


def nested(transforms: Any) -> Iterator[Any]:
    """All transforms, those inside of others too."""
    for transform in transforms:
        yield transform
        if hasattr(transform, 'transforms'):
            inner = transform.transforms
            yield from nested(getattr(inner, 'transforms', inner))


def time_loader(loader: dict, workers: int, batches: int) -> dict[str, float]:
    """Clips a second that come out of the loader, and for each core that it used.

    The cores are the workers' CPU seconds by the clock's: on a busy machine both rates
    differ, and the second is what a free core would give.
    """
    loader = dict(loader, num_workers=workers, persistent_workers=workers > 0)
    built = Runner.build_dataloader(loader, seed=0)
    iterator = iter(built)
    # Workers have started, and what they had made ahead is taken.
    for _ in range(2 * workers + 1):
        next(iterator)
    start, before = time.perf_counter(), _cpu_of(iterator)
    seen = sum(len(next(iterator)['inputs']) for _ in range(batches))
    seconds, cpu = time.perf_counter() - start, _cpu_of(iterator) - before
    del iterator
    return dict(
        workers=workers,
        batch=built.batch_size,
        clips_a_second=seen / seconds,
        batches_a_second=batches / seconds,
        cores=cpu / seconds,
        clips_a_second_and_core=seen / max(cpu, 1e-2),  # a tick of its clock
    )


def _cpu_of(iterator: Any) -> float:
    """CPU seconds of a loader's workers; without any, of this process (Linux)."""
    workers = getattr(iterator, '_workers', [])
    if not workers:
        return time.process_time()
    ticks = 0
    for worker in workers:
        fields = Path(f'/proc/{worker.pid}/stat').read_text().rpartition(')')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


@contextmanager
def mmdets_steps() -> Iterator[None]:
    """Run with what mmdet does where the steps of mmvis are other ones.

    Masks are decoded at the size of the frame, and frames are stacked and then turned.
    """
    loading = TRANSFORMS.get('LoadVISAnnotations')
    packing = TRANSFORMS.get('PackVISInputs')
    ours = loading._load_masks, packing.transform

    def load_masks(self: Any, results: dict) -> None:
        super(loading, self)._load_masks(results)

    def transform(self: Any, results: dict) -> dict:
        boxes = [getattr(boxes, 'tensor', boxes) for boxes in results['gt_bboxes']]
        return super(packing, self).transform(dict(results, gt_bboxes=boxes))

    loading._load_masks, packing.transform = load_masks, transform
    try:
        yield
    finally:
        loading._load_masks, packing.transform = ours


def equal_clips(one: dict, other: dict) -> bool:
    """Whether two packed clips have the same frames, boxes and masks."""
    if not torch.equal(one['inputs'], other['inputs']):
        return False
    for a, b in zip(one['data_samples'], other['data_samples'], strict=True):
        for p, q in (
            (a.gt_instances, b.gt_instances),
            (a.ignored_instances, b.ignored_instances),
        ):
            masks = np.array_equal(p.masks.masks, q.masks.masks)
            if not masks or not torch.equal(p.bboxes, q.bboxes):
                return False
    return True
