"""Opening time and memory of a dataset of YouTube-VIS 2019's size.

Writes an annotation file like the official train split: 2,238 videos, 62 thousand
frames of 720p, 3.8 thousand objects of 40 categories, about 100 thousand masks as lists
of more than 300 run lengths, with nulls. Then opens it as a training set in a fresh
process, and reads all items in workers that are forked from one.

    python tools/benchmarks/dataset.py [--ann-file my.json]
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 720, 1280
VIDEOS, FRAMES, OBJECTS, CATEGORIES = 2238, 61845, 3774, 40
NULL_SHARE = 0.05  # of the frames an object could be in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--ann-file', type=Path, help='default: a generated one')
    parser.add_argument('--keep', type=Path, help='write the generated file here')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--measure', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.ann_file, args.workers)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = args.ann_file
        if path is None:
            path = args.keep or Path(folder) / 'train.json'
            print(f'writing {path} ...', flush=True)
            masks = write_annotation_file(path)
            print(f'{masks} masks, {path.stat().st_size / 2**20:.0f} MiB')
        command = [sys.executable, __file__, '--measure', '--ann-file', str(path)]
        command += ['--workers', str(args.workers)]
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(result.stdout.splitlines()[-1])
    for name, value in report.items():
        print(f'{name:54s} {value:10.2f}')


def write_annotation_file(path: Path, videos: int = VIDEOS, seed: int = 0) -> int:
    """Write the file, the same bytes for the same arguments.

    Args:
        path: where to.
        videos: number of videos; frames and objects in proportion.
        seed: of all that is drawn.

    Returns:
        Number of masks in it.
    """
    random = np.random.default_rng(seed)
    lengths = _shares(random, round(FRAMES * videos / VIDEOS), videos)
    objects = _shares(random, round(OBJECTS * videos / VIDEOS), videos)
    masks = annotation_id = 0
    with open(path, 'w', encoding='utf-8') as file:
        file.write('{"info": {"description": "generated"}, "videos": ')
        json.dump([_video(v, n) for v, n in enumerate(lengths.tolist(), 1)], file)
        file.write(', "annotations": [')
        for video, length in enumerate(lengths.tolist(), 1):
            for _ in range(objects[video - 1]):
                annotation_id += 1
                annotation = _annotation(random, annotation_id, video, length)
                masks += sum(s is not None for s in annotation['segmentations'])
                file.write(', ' * (annotation_id > 1) + json.dumps(annotation))
        names = [{'id': c, 'name': f'category_{c}'} for c in range(1, CATEGORIES + 1)]
        file.write(f'], "categories": {json.dumps(names)}}}')
    return masks


def _shares(random: np.random.Generator, total: int, parts: int) -> np.ndarray:
    """Positive whole numbers, (parts,), of the given sum."""
    return 1 + random.multinomial(total - parts, np.full(parts, 1 / parts))


def _video(video_id: int, length: int) -> dict:
    names = [f'{video_id:010x}/{5 * frame:05d}.jpg' for frame in range(length)]
    size = {'height': HEIGHT, 'width': WIDTH, 'length': length}
    return {'id': video_id, 'file_names': names} | size


def _annotation(
    random: np.random.Generator, annotation_id: int, video: int, length: int
) -> dict:
    seen = random.random(length) >= NULL_SHARE
    columns = random.integers(150, 220)
    boxes, areas, masks = [], [], []
    for frame in range(length):
        if not seen[frame]:
            boxes.append(None), areas.append(None), masks.append(None)
            continue
        left = int(random.integers(0, WIDTH - columns))
        # An upright blob: one run of foreground a column, its border wobbling.
        wobble = random.integers(-6, 7, (2, columns)).cumsum(1)
        top = np.clip(250 + wobble[0], 1, 349)
        bottom = np.clip(450 + wobble[1], 351, HEIGHT - 1)
        starts = (left + np.arange(columns)) * HEIGHT + top
        stops = starts - top + bottom
        edges = np.stack([starts, stops], 1).ravel()
        counts = np.diff(edges, prepend=0, append=HEIGHT * WIDTH)
        masks.append({'size': [HEIGHT, WIDTH], 'counts': counts.tolist()})
        height = int(bottom.max() - top.min())
        boxes.append([left, int(top.min()), int(columns), height])
        areas.append(int((bottom - top).sum()))
    return dict(
        id=annotation_id,
        video_id=video,
        category_id=1 + annotation_id % CATEGORIES,
        iscrowd=0,
        height=HEIGHT,
        width=WIDTH,
        length=length,
        segmentations=masks,
        bboxes=boxes,
        areas=areas,
    )


def measure(ann_file: Path, workers: int) -> dict[str, float]:
    """Open a file as a training set here; the process should have done nothing else."""
    from mmvis.datasets import YouTubeVISDataset

    before = _peak_mib()
    start, start_of_work = time.perf_counter(), time.process_time()
    dataset = YouTubeVISDataset(ann_file=str(ann_file), pipeline=[])
    report = {
        'opening (s)': time.perf_counter() - start,
        'of that at work (s), less than all on a busy machine': (
            time.process_time() - start_of_work
        ),
        'peak memory of the process (MiB)': _peak_mib(),
        'of that before opening (MiB)': before,
        'data set in memory (MiB)': dataset.data_bytes.nbytes / 2**20,
        'videos': len(dataset),
        'frames': dataset.num_all_imgs,
    }
    context = multiprocessing.get_context('fork')
    answers, readers = [], []
    for worker in range(workers):
        near, far = context.Pipe(duplex=False)
        answers.append(near)
        arguments = (dataset, worker, workers, far)
        readers.append(context.Process(target=_read_all, args=arguments))
        readers[-1].start()
        far.close()  # so that a reader that dies is an error, and no endless waiting
    copied = [answer.recv() for answer in answers]
    for reader in readers:
        reader.join()
    report['memory that a worker copied in an epoch (MiB)'] = max(copied)
    return report


def _read_all(dataset, worker: int, workers: int, answer) -> None:
    """Read a worker's share of the items; report the private memory gained, in MiB."""
    dataset[worker]
    before = _private_mib()
    for index in range(worker, len(dataset), workers):
        dataset[index]
    answer.send(_private_mib() - before)


def _private_mib() -> float:
    """Memory of this process, in MiB, that it shares with no other one (Linux)."""
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if 'Private_' in line) / 2**10


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == '__main__':
    main()
