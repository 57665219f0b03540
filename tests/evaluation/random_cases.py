"""Small random evaluation cases: official ground truth and results that half match it.

The predictions are ground truth tracks gone wrong in the ways in which trackers do
(blurred, shifted, lost frames, split, swapped, doubled), among plain false alarms.
"""

import numpy as np
from pycocotools import mask as mask_utils

HEIGHT, WIDTH = 8, 10
# Average areas of the tracks below run from 1 to about 40 pixels.
AREA_RANGES = {'s': (0.0, 8.0), 'm': (8.0, 16.0), 'l': (16.0, 1e10), 'none': (79.5, 80)}
CATEGORY_IDS = (0, 3, 4, 17)


def to_segmentation(mask: np.ndarray | None) -> dict | None:
    """(h, w) bool -> compressed RLE as json holds it (counts are str), or None."""
    if mask is None:
        return None
    rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {'size': list(rle['size']), 'counts': rle['counts'].decode()}


def to_run_lengths(mask: np.ndarray | None) -> dict | None:
    """(h, w) bool -> uncompressed RLE as in the official files, or None."""
    if mask is None:
        return None
    counts, value = [0], False
    for pixel in mask.flatten('F').tolist():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {'size': list(mask.shape), 'counts': counts}


def to_annotation(annotation_id, video_id, category_id, frames, iscrowd=0) -> dict:
    """An annotation of the official format; frames are (h, w) bool masks or None.

    Odd ids have compressed masks, even ones run lengths.
    """
    to_rle = to_segmentation if annotation_id % 2 else to_run_lengths
    return {
        'id': annotation_id,
        'video_id': video_id,
        'category_id': category_id,
        'iscrowd': iscrowd,
        'height': HEIGHT,
        'width': WIDTH,
        'segmentations': [to_rle(mask) for mask in frames],
        'areas': [None if mask is None else int(mask.sum()) for mask in frames],
        'bboxes': [None if mask is None else tight_box(mask) for mask in frames],
    }


def tight_box(mask: np.ndarray) -> list[float]:
    """x, y, width, height."""
    rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return mask_utils.toBbox(rle).tolist()


def to_result(video_id, category_id, score, frames) -> dict:
    """An entry of results.json."""
    return {
        'video_id': video_id,
        'category_id': category_id,
        'score': float(score),
        'segmentations': [to_segmentation(mask) for mask in frames],
    }


def to_ground_truth(lengths: dict[int, int], annotations, category_ids) -> dict:
    """An official annotation file; lengths maps video ids to numbers of frames."""
    videos = []
    for video_id, length in lengths.items():
        names = [f'{video_id}/{frame:05d}.jpg' for frame in range(length)]
        video = {'id': video_id, 'length': length, 'file_names': names}
        videos.append({**video, 'height': HEIGHT, 'width': WIDTH})
    categories = [{'id': c, 'name': f'category {c}'} for c in category_ids]
    return {'videos': videos, 'annotations': annotations, 'categories': categories}


def random_case(seed: int) -> tuple[dict, list[dict]]:
    """(ground truth, results) of 1-4 videos of 1-5 frames and 1-4 categories.

    Some cases have no predictions, categories or videos without ground truth,
    annotation ids that restart at 0 in every video, more than 10 or than 100
    predictions of one video and category.
    """
    rng = np.random.default_rng(seed)
    categories = rng.permutation(CATEGORY_IDS)[: rng.integers(1, 5)].tolist()
    # Video ids in no order, with gaps, 0 among them.
    ids = rng.permutation(12)[: rng.integers(1, 5)].tolist()
    lengths = {video_id: int(rng.integers(1, 6)) for video_id in ids}
    labelled = categories[: rng.integers(1, len(categories) + 1)]
    restart = rng.random() < 0.5
    skill = rng.random()  # of the tracker: the cases run from poor to perfect
    annotations, results = [], []
    for video_id, length in lengths.items():
        if rng.random() < 0.15:
            continue
        first_id = 0 if restart else len(annotations)
        tracks = []
        for i in range(rng.integers(1, 6)):
            frames = random_track(rng, length)
            category_id = int(rng.choice(labelled))
            if tracks and rng.random() < 0.2:
                category_id, frames = twin(*tracks[-1][:2])
            crowd = int(rng.random() < 0.15)
            tracks.append((category_id, frames, crowd))
            annotation = to_annotation(
                first_id + i, video_id, category_id, frames, crowd
            )
            if rng.random() < 0.2:  # areas of the file need not be those of the masks
                annotation['areas'] = [
                    a if a is None else float(rng.integers(0, 30))
                    for a in annotation['areas']
                ]
            annotations.append(annotation)
        results += predictions_of(rng, video_id, tracks, categories, skill)
    for video_id, length in lengths.items():
        for _ in range(0 if rng.random() < skill else rng.integers(0, 3)):
            frames = random_track(rng, length)
            category_id = int(rng.choice(categories))
            results.append(to_result(video_id, category_id, draw_score(rng), frames))
    if annotations and rng.random() < 0.3:
        bury(rng, annotations, results, 12 if rng.random() < 0.6 else 110)
    if rng.random() < 0.05:
        results = []
    results = [results[i] for i in rng.permutation(len(results))]
    annotations = [annotations[i] for i in rng.permutation(len(annotations))]
    return to_ground_truth(lengths, annotations, categories), results


def draw_score(rng) -> float:
    """Few different values, so that ties are common."""
    return round(float(rng.random()), 1)


def random_track(rng, length: int) -> list:
    """A box of random size that drifts a pixel a frame, absent in some frames."""
    height, width = rng.integers(1, 6, size=2)
    y, x = rng.integers(0, HEIGHT - height + 1), rng.integers(0, WIDTH - width + 1)
    frames = []
    for _ in range(length):
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[y : y + height, x : x + width] = True
        frames.append(None if rng.random() < 0.2 else mask)
        y = np.clip(y + rng.integers(-1, 2), 0, HEIGHT - height)
        x = np.clip(x + rng.integers(-1, 2), 0, WIDTH - width)
    return frames


def twin(category_id: int, frames: list) -> tuple[int, list]:
    """A track that differs in its last frame only: most parts of it fit both."""
    last = frames[-1]
    moved = None if last is None else np.roll(last, HEIGHT // 2, axis=0)
    return category_id, [*frames[:-1], moved]


def predictions_of(rng, video_id, tracks, categories, skill) -> list[dict]:
    """What a fallible tracker reports of ground truth `tracks` in one video."""
    results = []
    for category_id, frames, crowd in tracks:
        for _ in range(rng.integers(1, 4) if crowd else rng.choice([0, 1, 1, 1, 2])):
            if rng.random() > max(skill, 0.9):
                category_id = int(rng.choice(categories))
            perfect = rng.random() < skill
            for part in [frames] if perfect else go_wrong(rng, frames, tracks):
                score = draw_score(rng)
                results.append(to_result(video_id, category_id, score, part))
    return results


def go_wrong(rng, frames, tracks) -> list[list]:
    """The tracks (mostly one) into which a tracker turns the track `frames`."""
    kind = rng.choice(
        ['blur', 'shift', 'lose', 'split', 'swap', 'empty'],
        p=[0.35, 0.2, 0.15, 0.15, 0.1, 0.05],
    )
    if kind == 'blur':
        rate = rng.choice([0.01, 0.03, 0.06])
        noise = [rng.random((HEIGHT, WIDTH)) < rate for _ in frames]
        return [[n if m is None else m ^ n for m, n in zip(frames, noise, strict=True)]]
    if kind == 'shift':
        return [[None if m is None else np.roll(m, 1, axis=1) for m in frames]]
    if kind == 'lose':
        return [[None if rng.random() < 0.3 else m for m in frames]]
    cut = int(rng.integers(0, len(frames) + 1))
    if kind == 'split':
        gone = [None] * len(frames)
        return [frames[:cut] + gone[cut:], gone[:cut] + frames[cut:]]
    if kind == 'swap':
        other = tracks[int(rng.integers(len(tracks)))][1]
        return [frames[:cut] + other[cut:]]
    # A mask without pixels, which is not the same in the file as null.
    return [[np.zeros((HEIGHT, WIDTH), dtype=bool) for _ in frames]]


def bury(rng, annotations, results, count: int) -> None:
    """Add `count` false alarms to one video and category, most of them scored high."""
    victim = annotations[int(rng.integers(len(annotations)))]
    length = len(victim['segmentations'])
    for _ in range(count):
        score = 0.3 + 0.7 * draw_score(rng)
        frames = random_track(rng, length)
        place = victim['video_id'], victim['category_id']
        results.append(to_result(*place, score, frames))
