"""An annotation file, or predictions, in the format of a tool or another set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.structures import VISAnnotations

from .cvat_files import write_cvat
from .json_files import write_coco, write_youtube_vis
from .labelme_files import write_labelme
from .mask_files import write_davis, write_mots
from .tool_datasets import write_fiftyone


def export_annotations(
    content: VISAnnotations,
    out: str | Path,
    format_name: str,
    frames: str | Path | None = None,
    tolerance: float | None = None,
    clips: Sequence[str | Path] = (),
) -> list[str]:
    """Write what is in an annotation file in another format.

    Masks are kept to the bit; where a format has one object a pixel, what is in several
    masks goes to one of them.

    Args:
        content: of ``read_annotation_file``; annotations may have a ``score``.
        out: file or new folder, or the name of a data set of FiftyOne.
        format_name: a key of ``WRITERS``.
        frames: folder of the frames, for labelme and fiftyone.
        tolerance: for labelme and cvat: write polygons, of which points within so many
            pixels are left out. None: masks.
        clips: for fiftyone: video files, where those are shown instead of frames.

    Returns:
        Sentences on what the format could not keep.

    Raises:
        ImportError: fiftyone is not installed.
        OSError: ``out`` cannot be written.
        ValueError: the format cannot hold what there is.
    """
    out = Path(out)
    if format_name == 'labelme':
        folder = None if frames is None else Path(frames)
        return write_labelme(content, out, folder, tolerance)
    if format_name == 'cvat':
        return write_cvat(content, out, tolerance)
    if format_name == 'fiftyone':
        return write_fiftyone(content, str(out), frames, clips)
    if tolerance is not None:
        raise ValueError(f'{format_name} has masks: polygons are for labelme and cvat.')
    return {
        'youtube-vis': write_youtube_vis,
        'coco': write_coco,
        'mots': write_mots,
        'davis': write_davis,
    }[format_name](content, out)
