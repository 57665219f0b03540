"""From any format to an annotation file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.structures.annotation_checks import unsafe_file_name

from ..converters.coco_video import LOOSE
from ..converters.records import check_place, write_annotation_file
from .contents import Contents, note_of_empty_masks
from .frame_folders import Frames
from .identities import missing_identities
from .linking import link_loose
from .options import Options
from .registry import FORMATS, recognised


def import_annotations(
    source: str | Path,
    out: str | Path,
    format_name: str = 'auto',
    frames: str | Path | None = None,
    clips: Sequence[str | Path] = (),
    link: bool = False,
    options: Options | None = None,
) -> tuple[dict, list[str]]:
    """Write an annotation file of the YouTube-VIS form for annotations of any format.

    Args:
        source: file or folder.
        out: the json to write.
        format_name: a key of ``FORMATS``, or 'auto'.
        frames: folder that ``file_names`` are relative to; by default the source's, or
            ``frames`` beside ``out`` for what is taken out of video files.
        clips: video files to take frames from.
        link: let the tracker join masks that have no identity; they are told of.
        options: see ``Options``.

    Returns:
        What was written, and sentences on how it was understood.

    Raises:
        OSError: something is missing, or ``out`` cannot be written.
        ValueError: the source cannot be used; the message names file and place.
    """
    check_place(out)
    source, notes = Path(source), []
    if format_name == 'auto':
        given, how = recognised(source)
        notes.append(f'format {given.name}: {how}.')
    else:
        given = FORMATS[format_name]
        if not source.exists():
            raise FileNotFoundError(f"There is no file or folder '{source}'.")
    folder = source if source.is_dir() else source.parent
    spare = Path(out).parent / 'frames'
    places = Frames(
        Path(frames) if frames is not None else folder,
        [Path(clip) for clip in clips],
        None if frames is not None else spare,
    )
    if clips:
        places.use_spare()
    try:
        found = given.read(source, places, options or Options())
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"'{source}' is not of the format {given.name} as it is documented: "
            f'{type(error).__name__} {error}.'
        ) from error
    notes += places.notes
    if isinstance(found, Contents):
        notes += found.notes + note_of_empty_masks(found.videos)
        content = found.annotation_file(f'converted from {given.name}')
    else:
        content = found
    loose = [a for a in content.get('annotations', []) if a.get(LOOSE)]
    if loose and not link:
        names = {c['id']: c['name'] for c in content['categories']}
        first = names[loose[0]['category_id']]
        raise ValueError(missing_identities(len(loose), first, str(source)))
    if loose:
        made = link_loose(content)
        notes.append(
            f'the identities of {made} objects were made: the tracker joined '
            f'{len(loose)} masks of single frames by their overlap.'
        )
    if not content['videos']:
        raise ValueError(f"'{source}' has no video.")
    _check_names(content['videos'], places.root)
    notes.append(f"file_names are relative to '{places.root}'.")
    write_annotation_file(content, out)
    return content, notes


def _check_names(videos: Sequence[dict], root: Path) -> None:
    """Refuse names that could not be loaded from the json."""
    for video in videos:
        for name in video['file_names']:
            if unsafe_file_name(name) or '\\' in name:
                raise ValueError(
                    f"The frame '{root / name}' has a name that other systems take for "
                    "a path: rename it, without '\\' and without ':' behind its first "
                    'letter.'
                )
