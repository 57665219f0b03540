"""BURST: sequences with a dict of masks for each annotated frame."""

from __future__ import annotations

from pathlib import Path

from mmvis.structures.segmentation import to_rle

from .contents import Contents, Track, Video
from .frame_folders import Frames
from .options import Options
from .text_files import has_keys, read_json


def recognise(source: Path) -> str | None:
    if has_keys(source, '{', 'sequences', 'track_category_ids'):
        return f'\'{source}\' has "sequences" with "track_category_ids", as BURST'
    return None


def read(source: Path, frames: Frames, options: Options) -> Contents:
    """Annotated frames alone are frames; the others may show the objects, too."""
    content = read_json(source)
    names = {c['id']: c['name'] for c in content.get('categories', [])}
    contents = Contents([])
    used = set()
    for sequence in content['sequences']:
        video = _sequence(sequence, frames, names, f"'{source}'")
        used |= {track.category for track in video.tracks}
        contents.videos.append(video)
    contents.categories = [names[k] for k in sorted(names) if names[k] in used]
    if len(used) < len(names):
        contents.notes.append(f'{len(used)} of {len(names)} categories are used.')
    return contents


def _sequence(
    sequence: dict, frames: Frames, names: dict[int, str], source: str
) -> Video:
    name = f'{sequence["dataset"]}/{sequence["seq_name"]}'
    place = f'{source}, {name}'
    folder = next(
        (f for f in (name, sequence['seq_name']) if (frames.root / f).is_dir()), None
    )
    if folder is None or '..' in folder:
        raise FileNotFoundError(
            f"{place}: there is no folder '{frames.root / name}' of frames: give the "
            'folder of all with --frames.'
        )
    files = [f'{folder}/{image}' for image in sequence['annotated_image_paths']]
    height, width = sequence['height'], sequence['width']
    video = Video(name, files, height, width)
    tracks: dict[str, Track] = {}
    for frame, masks in enumerate(sequence['segmentations']):
        for identity, mask in masks.items():
            if identity not in tracks:
                category = names[sequence['track_category_ids'][identity]]
                tracks[identity] = Track(category, {}, identity)
            try:
                rle = to_rle(
                    {'size': [height, width], 'counts': mask['rle']}, height, width
                )
            except ValueError as error:
                raise ValueError(
                    f'{place}, frame {frame}, track {identity}: {error}.'
                ) from None
            if rle is not None:
                tracks[identity].masks[frame] = rle
    video.tracks = list(tracks.values())
    return video
