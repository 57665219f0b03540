"""Evaluation of results that exist: results.json, or its list, and annotations."""

import json
import math
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from mmvis.structures.annotation_checks import AnnotationWarning
from mmvis.structures.annotation_file import VISAnnotations, read_annotation_file
from mmvis.structures.odd_ids import KnownIds
from mmvis.structures.odd_masks import counts_of_python_text, size_hint
from mmvis.structures.segmentation import to_rle

from .area_ranges import OF_DATA, AreaRanges, check_area_ranges, ranges_of_data
from .summary import Metrics, evaluate_tracks
from .vis_eval import GroundTruth

NO_LABELS = (
    "'{path}' has no annotations, so that no AP can be computed. The public valid and "
    'test splits are such files: set format_only=True and outfile_prefix to write a '
    'submission for the evaluation server, or evaluate on a split with annotations.'
)
RESULT_KEYS = ('video_id', 'category_id', 'score', 'segmentations')


def evaluate_results(
    results: Sequence[dict] | str | Path,
    ground_truth: Mapping | VISAnnotations | str | Path,
    area_ranges: AreaRanges = None,
    area_unit: str = 'pixel',
    classwise: bool = False,
    per_attribute: bool = True,
    count_empty: bool = False,
    class_agnostic: bool = False,
) -> Metrics:
    """Evaluate results in the form of the YouTube-VIS server, by its protocol.

    Args:
        results: list of dicts with video_id, category_id, score and segmentations (one
            RLE or None a frame of the video), or a file with it: .json, or .zip with a
            results.json.
        ground_truth: an annotation file, what was read from it, or a dict of its form.
        area_ranges: name to (lowest, highest) mean area, inclusive; those of the
            protocol (s, m, l at 128^2 and 256^2 pixels) by default; 'data' is a third
            of the objects each.
        area_unit: 'pixel', or 'frame': ranges are fractions of the frame's area.
        classwise: add ``<category>_precision``.
        per_attribute: add ``<attribute>_AP`` if the file's videos carry attributes.
        count_empty: whether an annotation without a pixel in any frame is a missed
            object (as in the official code) or is left out (the default).
        class_agnostic: add all but ``<category>_precision`` again with all categories
            as one, as ``<key>_agnostic``.

    Returns:
        Unrounded values from 0 to 1 under AP, AP50, AP75, AP_<range>, AR1, AR10, AR100
        and those asked for; None where there is nothing to find.

    Raises:
        ValueError: if the file has no annotations, or a result does not fit to it:
            unknown video or category, another number of frames, another mask size, a
            damaged mask, a score that is no finite number.
    """
    annotations = load_ground_truth(ground_truth)
    truth = build_ground_truth(
        annotations, None, area_ranges, area_unit, count_empty=count_empty
    )
    results = checked_results(results, annotations)
    names = {c['id']: c['name'] for c in annotations.categories} if classwise else None
    return evaluate_tracks(truth, results, names, per_attribute, class_agnostic)


def load_ground_truth(source: Mapping | VISAnnotations | str | Path) -> VISAnnotations:
    """Annotations from a file, or from a dict of the same form."""
    if isinstance(source, VISAnnotations):
        return source
    if not isinstance(source, Mapping):
        return read_annotation_file(str(source))
    # The reader decides what is repaired and refused; a dict goes the same way.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'ground_truth.json')
        with path.open('w') as file:
            json.dump(source, file, default=_json_value)
        return read_annotation_file(str(path))


def _json_value(value: Any) -> Any:
    """What json does not know: packed counts, numpy's numbers and arrays."""
    if isinstance(value, bytes):
        return value.decode('ascii')
    return value.tolist()


def checked_results(
    source: Sequence[dict] | str | Path, annotations: VISAnnotations
) -> list[dict]:
    """Results as :func:`evaluate_results` takes them, with packed, whole masks.

    Raises:
        ValueError: see :func:`evaluate_results`.
    """
    results = _with_known_ids(load_results(source), annotations)
    check_results(results, annotations)
    return [_with_whole_masks(index, r) for index, r in enumerate(results)]


def load_results(source: Sequence[dict] | str | Path) -> list[dict]:
    """The list of results of a .json, or of the results.json in a .zip."""
    if not isinstance(source, (str, Path)):
        return list(source)
    path = Path(source)
    if path.is_dir():
        raise ValueError(f"'{path}' is a folder, not a results file")
    try:
        results = json.loads(_results_text(path))
    except zipfile.BadZipFile:
        raise ValueError(f"'{path}' is a damaged zip file, or none") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is not json: {error}") from None
    if not isinstance(results, list):
        raise ValueError(f"'{path}' does not hold a list of results")
    return results


def _results_text(path: Path) -> str | bytes:
    if path.suffix != '.zip':
        return path.read_text(encoding='utf-8-sig')
    with zipfile.ZipFile(path) as archive:
        if 'results.json' not in archive.namelist():
            raise ValueError(f"'{path}' has no results.json at its root")
        return archive.read('results.json').decode('utf-8-sig')


def build_ground_truth(
    annotations: VISAnnotations,
    category_ids: Sequence | None = None,
    area_ranges: AreaRanges = None,
    area_unit: str = 'pixel',
    count_empty: bool = False,
) -> GroundTruth:
    """The ground truth of a file, of all its categories or of some.

    Raises:
        ValueError: if the file has no annotations, or the ranges cannot be understood.
    """
    if annotations.annotations is None:
        raise ValueError(NO_LABELS.format(path=annotations.path))
    tracks = annotations.annotations
    if not count_empty:
        # An object that no frame shows cannot be found, and so is none that is missed.
        tracks = [track for track in tracks if any(track['segmentations'])]
    if category_ids is None:
        category_ids = [category['id'] for category in annotations.categories]
    ranges = check_area_ranges(area_ranges, area_unit)
    if area_ranges == OF_DATA:
        ranges = ranges_of_data(tracks, area_unit)
    return GroundTruth(
        videos=annotations.videos,
        annotations=tracks,
        category_ids=list(category_ids),
        area_ranges=ranges,
        area_unit=area_unit,
    )


def check_results(results: Sequence[dict], annotations: VISAnnotations) -> None:
    """Refuse results that do not fit to the file, with the video and frame named.

    Raises:
        ValueError: see :func:`evaluate_results`.
    """
    videos = {video['id']: video for video in annotations.videos}
    category_ids = {category['id'] for category in annotations.categories}
    for index, result in enumerate(results):
        if not isinstance(result, Mapping):
            raise ValueError(f'result {index} is no object with {RESULT_KEYS}')
        missing = [key for key in RESULT_KEYS if key not in result]
        if missing:
            raise ValueError(f'result {index} has no {", ".join(missing)}')
        place = f'result {index} (video {result["video_id"]!r})'
        video = videos.get(_id(result['video_id']))
        if video is None:
            raise ValueError(f"{place}: '{annotations.path}' has no such video")
        if _id(result['category_id']) not in category_ids:
            raise ValueError(
                f"{place}: '{annotations.path}' has no category "
                f'{result["category_id"]!r}; results are written with the ids of the '
                'file, not with labels'
            )
        score = result['score']
        if not isinstance(score, Real) or not math.isfinite(score):
            raise ValueError(f'{place}: the score is {score!r}, no finite number')
        masks = result['segmentations']
        if not isinstance(masks, (list, tuple)):
            raise ValueError(f'{place}: its segmentations are no list')
        if len(masks) != video['length']:
            raise ValueError(
                f'{place}: {len(masks)} segmentations for a video of '
                f'{video["length"]} frames; there has to be one, or null, for each'
            )
        size = [video['height'], video['width']]
        for frame, mask in enumerate(masks):
            if mask is None:
                continue
            if not isinstance(mask, dict) or not {'size', 'counts'} <= mask.keys():
                raise ValueError(
                    f'{place}, frame {frame}: the mask is neither null nor an RLE'
                )
            if not isinstance(mask['size'], (list, tuple)) or [*mask['size']] != size:
                raise ValueError(
                    f'{place}, frame {frame}: the mask is of size {mask["size"]}, the '
                    f'video of {size} (height, width)'
                    f'{size_hint(mask["size"], *size)}'
                )


def _with_known_ids(results: Sequence, annotations: VISAnnotations) -> list:
    """Results with the annotation file's spelling of ids, where that is unambiguous."""
    known = {
        'video_id': KnownIds(video['id'] for video in annotations.videos),
        'category_id': KnownIds(category['id'] for category in annotations.categories),
    }
    fitted, examples = [], []
    for result in results:
        if isinstance(result, Mapping):
            for key, ids in known.items():
                number = ids.find(result.get(key))
                if number is not None and type(number) is not type(result[key]):
                    examples.append(f'"{key}" {result[key]!r} for {number!r}')
                    result = {**result, key: number}
        fitted.append(result)
    if examples:
        warnings.warn(
            f'{len(examples)} ids of the results are of another type than those of '
            f"'{annotations.path}' and are matched (first {examples[0]}).",
            AnnotationWarning,
        )
    return fitted


def repair_results(results: Sequence[dict]) -> int:
    """Undo ``str(rle['counts'])`` of masks, the commonest mistake with pycocotools.

    Args:
        results: as in the file; their masks are changed.

    Returns:
        How many masks were repaired.
    """
    repaired = 0
    for result in results:
        masks = result.get('segmentations') if isinstance(result, dict) else None
        for mask in masks if isinstance(masks, list) else []:
            counts = mask.get('counts') if isinstance(mask, dict) else None
            whole = counts_of_python_text(counts)
            if whole is not None:
                mask['counts'] = whole
                repaired += 1
    return repaired


def _id(value: Any) -> Any:
    """An id as it is, None for what can be none: a list or a dict."""
    return value if isinstance(value, (int, float, str)) else None


def _with_whole_masks(index: int, result: dict) -> dict:
    """The result with packed masks, list counts included, that are known to be whole.

    pycocotools reads beyond the end of a damaged string.
    """
    masks = list(result['segmentations'])
    for frame, mask in enumerate(masks):
        if mask is None:
            continue
        try:
            masks[frame] = to_rle(mask, *mask['size'])
        except ValueError as error:
            place = f'result {index} (video {result["video_id"]!r}), frame {frame}'
            raise ValueError(f'{place}: {error}') from None
    return {**result, 'segmentations': masks}
