"""Annotation files, and predictions, as data sets of FiftyOne and supervision.

Both packages are optional, and keep data sets as objects of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvis.structures import VISAnnotations
from mmvis.structures.frame_names import native_name
from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import rle_to_bbox
from mmvis.structures.tool_objects import (
    fiftyone_package,
    supervision_package,
    to_fiftyone,
    to_supervision,
)

from .objects import folder_of, tracks_of


def frame_results(content: VISAnnotations, video: dict) -> Iterator[FrameResult]:
    """What is annotated, or was predicted, in each frame of a video.

    Labels are positions in the list of categories; annotations have a score of 1.
    """
    label = {c['id']: index for index, c in enumerate(content.categories)}
    names = tuple(c['name'] for c in content.categories)
    tracks = tracks_of(content, video)
    for frame in range(video['length']):
        seen = [t for t in tracks if t['segmentations'][frame] is not None]
        rles = [track['segmentations'][frame] for track in seen]
        yield FrameResult(
            frame_id=frame,
            size=(video['height'], video['width']),
            bboxes=rle_to_bbox(rles),
            scores=np.array([track.get('score', 1.0) for track in seen]),
            labels=np.array([label[track['category_id']] for track in seen]),
            ids=np.array([track['id'] for track in seen]),
            rles=tuple(rles),
            class_names=names,
        )


def supervision_dataset(content: VISAnnotations, frames: str | Path) -> Any:
    """A ``supervision.DetectionDataset`` of all frames, by the paths of their images.

    Raises:
        ImportError: supervision is not installed.
    """
    package = supervision_package('supervision_dataset')
    annotations = {
        str(Path(frames, native_name(video['file_names'][result.frame_id]))): (
            to_supervision(result)
        )
        for video in content.videos
        for result in frame_results(content, video)
    }
    names = [category['name'] for category in content.categories]
    return package.DetectionDataset(names, list(annotations), annotations)


def fiftyone_samples(
    content: VISAnnotations,
    frames: str | Path | None = None,
    clips: Sequence[str | Path] = (),
) -> list[Any]:
    """``fiftyone.Sample`` objects with ``ground_truth`` or scored ``predictions``.

    A video that is among the clips is one sample, with a ``fiftyone.Frame`` a frame;
    another one is a sample a frame, with ``video`` and ``frame_number``.

    Args:
        content: of ``read_annotation_file``; annotations may have a ``score``.
        frames: folder that ``file_names`` are relative to.
        clips: video files, each of the video whose folder or name it is called by.

    Raises:
        ImportError: FiftyOne is not installed.
        ValueError: a video has neither.
    """
    package = fiftyone_package('The format fiftyone')
    scored = any('score' in track for track in content.annotations or [])
    name = 'predictions' if scored else 'ground_truth'
    by_stem = {Path(clip).stem: Path(clip).absolute() for clip in clips}
    samples: list[Any] = []
    for video in content.videos:
        called = str(video.get('name') or folder_of(video))
        clip = by_stem.get(Path(called).name) or by_stem.get(folder_of(video))
        if clip is None and frames is None:
            raise ValueError(
                f"FiftyOne shows images or videos, and there is none of '{called}': "
                'give the folder of the frames with --frames, or the file with --video.'
            )
        of_clip = None if clip is None else package.Sample(filepath=str(clip))
        crowds = {
            track['id'] for track in tracks_of(content, video) if track['iscrowd']
        }
        for result in frame_results(content, video):
            detections = to_fiftyone(result, confidence=scored)
            for detection in detections.detections:
                if detection.index in crowds:
                    detection['iscrowd'] = True
            if of_clip is not None:
                frame = package.Frame(**{name: detections})
                of_clip.frames[result.frame_id + 1] = frame
                continue
            file = native_name(video['file_names'][result.frame_id])
            sample = package.Sample(
                filepath=str(Path(frames or '', file).absolute()),
                video=called,
                frame_number=result.frame_id + 1,
                **{name: detections},
            )
            samples.append(sample)
        if of_clip is not None:
            samples.append(of_clip)
    return samples


def write_fiftyone(
    content: VISAnnotations,
    name: str,
    frames: str | Path | None = None,
    clips: Sequence[str | Path] = (),
) -> list[str]:
    """A data set of this name in FiftyOne's database, which keeps it.

    Raises:
        ImportError: FiftyOne is not installed.
        ValueError: there is one of this name, or no database.
    """
    package = fiftyone_package('The format fiftyone')
    samples = fiftyone_samples(content, frames, clips)
    media = {sample.media_type for sample in samples}
    if len(media) > 1:
        raise ValueError(
            'A data set of FiftyOne is of images or of videos: give --video for all '
            'videos, or for none.'
        )
    try:
        if package.dataset_exists(name):
            raise ValueError(f"FiftyOne has a data set '{name}': take another --out.")
        dataset = package.Dataset(name, persistent=True)
    except package.core.config.FiftyOneConfigError as error:
        raise ValueError(f"FiftyOne's database cannot be used: {error}") from None
    dataset.add_samples(samples)
    if media == {'image'}:
        view = dataset.group_by('video', order_by='frame_number')
        dataset.save_view('videos', view)
    return [f"see it with 'fiftyone app launch {name}'."]
