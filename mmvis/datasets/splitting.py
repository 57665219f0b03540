"""Parts of an annotation file with about the same mix of categories."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path

import numpy as np

from mmvis.structures import VISAnnotations, read_annotation_file

REST = 'rest'


def split_annotation_file(
    ann_file: str | Path,
    parts: Mapping[str, int | float | str],
    out_dir: str | Path | None = None,
    seed: int = 0,
) -> dict[str, dict]:
    """Write the videos of an annotation file as several files, each in one of them.

    Ids, file names and the list of categories stay as they are, so that labels mean
    the same in all parts, and ``data_prefix`` is that of the whole. Which video goes
    where depends on the videos' ids, their categories, the sizes and the seed alone:
    not on the order in the file, the machine or the versions of libraries.

    Args:
        ann_file: Of the YouTube-VIS form, with or without annotations.
        parts: Name and size of each part: a number of videos, a share of them below 1,
            or 'rest' for one of them. ``<name>.json`` is written.
        out_dir: Folder of these files; by default that of ``ann_file``.
        seed: Another one gives another split.

    Returns:
        What was written, by name.

    Raises:
        ValueError: Sizes that do not fit the file, a part that would be written over
            the file itself, or an annotation file that cannot be used.
    """
    folder = Path(ann_file).parent if out_dir is None else Path(out_dir)
    paths = {name: folder / f'{name}.json' for name in parts}
    for path in paths.values():
        if path.resolve() == Path(ann_file).resolve():
            raise ValueError(
                f'{path} would be overwritten: give the part another name.'
            )
    content = read_annotation_file(str(ann_file))
    categories: dict[Hashable, set] = {video['id']: set() for video in content.videos}
    for annotation in content.annotations or []:
        categories[annotation['video_id']].add(annotation['category_id'])
    assigned = stratify(categories, part_sizes(parts, len(categories)), seed)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, path in paths.items():
        videos = {video for video, part in assigned.items() if part == name}
        written[name] = _part(content, videos)
        path.write_text(json.dumps(written[name], ensure_ascii=False), encoding='utf-8')
    return written


def part_sizes(parts: Mapping[str, int | float | str], total: int) -> dict[str, int]:
    """Videos of each part: counts as they are, shares rounded, the rest for 'rest'.

    Where all are shares that add up to 1, what rounding down leaves over goes to those
    that lost most, earlier parts first.

    Raises:
        ValueError: The sizes do not add up to the number of videos.
    """
    sizes: dict[str, int] = {}
    lost: dict[str, float] = {}
    for name, size in parts.items():
        if size == REST:
            continue
        whole_or_share = not isinstance(size, str) and (
            0 <= size < 1 or (size >= 1 and size % 1 == 0)
        )
        if isinstance(size, str) or not whole_or_share:
            raise ValueError(
                f'The size of part {name} is {size!r}, but has to be a number of '
                f"videos, a share of them below 1, or '{REST}'."
            )
        exact = size * total if 0 < size < 1 else size
        # 0.29 * 100 is 28.999999999999996.
        sizes[name] = int(exact + 1e-9)
        lost[name] = exact - sizes[name]
    missing = total - sum(sizes.values())
    others = [name for name in parts if parts[name] == REST]
    if len(others) == 1 and missing >= 0:
        sizes[others[0]] = missing
    elif not others and abs(missing - sum(lost.values())) < 1e-6:
        for name in sorted(lost, key=lambda name: -round(lost[name], 9))[:missing]:
            sizes[name] += 1
    else:
        raise ValueError(
            f'The parts {dict(parts)} do not add up to the {total} videos of the file: '
            f"give one of them, and only one, the size '{REST}'."
        )
    return {name: sizes[name] for name in parts}


def stratify(
    categories: Mapping[Hashable, Collection], sizes: Mapping[str, int], seed: int = 0
) -> dict[Hashable, str]:
    """Assign videos to parts so that each part has its share of every category.

    Videos are dealt out in a random order; then two of different parts change places,
    those by which the squared distances from the shares shrink most, until none do. A
    video of several categories counts for all of them. All in whole numbers, so that no
    rounding makes the result depend on the machine.

    Args:
        categories: Those seen in each video, by its id.
        sizes: Videos of each part, adding up to their number.
        seed: Of the order of videos.

    Returns:
        The part of each video.
    """
    order = sorted(categories, key=lambda video: _random_key(seed, video))
    # Videos of the same categories are alike: only their numbers matter.
    kinds: dict[tuple, list] = {}
    for video in order:
        kinds.setdefault(tuple(sorted(set(categories[video]), key=str)), []).append(
            video
        )
    kind_of = {video: k for k, alike in enumerate(kinds.values()) for video in alike}
    dealt = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    numbers = np.zeros((len(sizes), len(kinds)), np.int64)
    kinds_dealt = np.array([kind_of[video] for video in order], np.int64)
    np.add.at(numbers, (dealt, kinds_dealt), 1)
    names = sorted({name for kind in kinds for name in kind}, key=str)
    shows = np.array([[name in kind for name in names] for kind in kinds], np.int64)
    while len(order) and _swap_best(numbers, shows.reshape(len(kinds), -1)):
        pass
    assigned = {}
    for alike, of_parts in zip(kinds.values(), numbers.T, strict=True):
        parts = np.repeat(np.arange(len(sizes)), of_parts)
        for video, part in zip(alike, parts, strict=True):
            assigned[video] = list(sizes)[part]
    return assigned


def _swap_best(numbers: np.ndarray, shows: np.ndarray) -> bool:
    """Let the two videos change places that bring the shares nearest, if any do.

    Args:
        numbers: (parts, kinds) videos of each kind in each part; changed.
        shows: (kinds, categories) whether a video of the kind shows the category.
    """
    total = numbers.sum()
    excess = total * (numbers @ shows) - numbers.sum(1)[:, None] * (
        numbers.sum(0) @ shows
    )
    common = shows @ shows.T
    distance = np.diag(common)[:, None] + np.diag(common)[None] - 2 * common
    best = 0
    change: tuple[int, int, int, int] | None = None
    for one, other in itertools.combinations(range(len(numbers)), 2):
        pull = shows @ (excess[one] - excess[other])
        # Of a video of the row's kind from ``one`` and of the column's from ``other``.
        gain = pull[:, None] - pull[None] - total * distance
        possible = (numbers[one] > 0)[:, None] & (numbers[other] > 0)[None]
        gain = np.where(possible, gain, 0)
        if gain.max() > best:
            best = gain.max()
            leaves, comes = np.unravel_index(gain.argmax(), gain.shape)
            change = one, other, int(leaves), int(comes)
    if change is None:
        return False
    one, other, *swapped = change
    numbers[one, swapped] += [-1, 1]
    numbers[other, swapped] += [1, -1]
    return True


def _random_key(seed: int, video: Hashable) -> str:
    """The same on every machine and in every version, unlike a generator's draws."""
    return hashlib.sha256(f'{seed}:{video}'.encode()).hexdigest()


def _part(content: VISAnnotations, videos: Collection) -> dict:
    """The videos of these ids, in the form of an annotation file."""
    part = dict(
        info=content.info,
        videos=[video for video in content.videos if video['id'] in videos],
        categories=content.categories,
    )
    if content.annotations is not None:
        part['annotations'] = [
            {
                **annotation,
                'segmentations': [
                    mask and {**mask, 'counts': mask['counts'].decode()}
                    for mask in annotation['segmentations']
                ],
            }
            for annotation in content.annotations
            if annotation['video_id'] in videos
        ]
    return part
