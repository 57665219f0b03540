"""The formats there are, each with its reader, and how a file is recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import (
    burst,
    coco,
    cvat,
    datumaro,
    label_studio,
    labelme,
    mask_folders,
    mots,
    panoptic_pngs,
    supervisely,
    youtube_vis,
)
from .contents import Contents
from .frame_folders import Frames
from .options import Options


@dataclass(frozen=True)
class Format:
    """A form of annotations.

    Attributes:
        name: as in ``--from``.
        title: what it is.
        example: two lines: what lies where, and the command's options.
        recognise: says how a source was recognised, None if it is of another format.
        read: gives the contents, or the annotation file itself; records of objects
            without an identity have ``LOOSE`` there.
    """

    name: str
    title: str
    example: tuple[str, str]
    recognise: Callable[[Path], str | None]
    read: Callable[[Path, Frames, Options], Contents | dict]


FORMATS = {
    given.name: given
    for given in (
        Format(
            'labelme',
            'a json beside each image, a folder a video',
            (
                'my_set/walk/00000.jpg  my_set/walk/00000.json',
                '--from labelme my_set --out train.json',
            ),
            labelme.recognise,
            labelme.read,
        ),
        Format(
            'cvat',
            'CVAT for video 1.1 (tracks) or for images 1.1, xml or zip',
            (
                'task/annotations.xml  task/images/frame_000000.jpg',
                '--from cvat annotations.xml --video walk.mp4 --out train.json',
            ),
            cvat.recognise,
            cvat.read,
        ),
        Format(
            'label-studio',
            "Label Studio's JSON export: boxes in video, brushes and shapes in images",
            (
                'project-1.json  clips/walk.mp4',
                '--from label-studio project-1.json --video clips/walk.mp4 '
                '--out train.json',
            ),
            label_studio.recognise,
            label_studio.read,
        ),
        Format(
            'datumaro',
            "Datumaro's json",
            (
                'export/annotations/default.json  export/images/default/00000.jpg',
                '--from datumaro export --out train.json',
            ),
            datumaro.recognise,
            datumaro.read,
        ),
        Format(
            'supervisely',
            'a video project of Supervisely',
            (
                'project/meta.json  project/ds/ann/walk.mp4.json  '
                'project/ds/video/walk.mp4',
                '--from supervisely project --out train.json',
            ),
            supervisely.recognise,
            supervisely.read,
        ),
        Format(
            'coco',
            "COCO json of videos, CVAT's COCO export too",
            (
                'task/annotations/instances_default.json  task/images/frame_000000.jpg',
                '--from coco task --frames task/images --out train.json',
            ),
            coco.recognise,
            coco.read,
        ),
        Format(
            'youtube-vis',
            'YouTube-VIS, OVIS, UVO, LV-VIS: of the form already, checked and repaired',
            (
                'UVO_video_train_dense.json  uvo_frames/-abc/0.png',
                '--from youtube-vis UVO_video_train_dense.json --out train.json',
            ),
            youtube_vis.recognise,
            youtube_vis.read,
        ),
        Format(
            'davis',
            'folders of palette PNGs: DAVIS, YouTube-VOS',
            (
                'DAVIS/Annotations/480p/walk/00000.png  '
                'DAVIS/JPEGImages/480p/walk/00000.jpg',
                '--from davis DAVIS --categories davis_semantics.json --out train.json',
            ),
            mask_folders.recognise,
            mask_folders.read,
        ),
        Format(
            'mots',
            "MOTS and KITTI-MOTS, txt or PNG, and CVAT's MOTS export",
            (
                'training/instances/0000/000000.png  training/image_02/0000/000000.png',
                '--from mots training --out train.json',
            ),
            mots.recognise,
            mots.read,
        ),
        Format(
            'burst',
            'BURST: json of sequences',
            (
                'annotations/train/train.json  frames/train/ArgoVerse/seq_1/00000.jpg',
                '--from burst annotations/train/train.json --frames frames/train '
                '--out train.json',
            ),
            burst.recognise,
            burst.read,
        ),
        Format(
            'vipseg',
            'VIPSeg: panoptic PNGs of videos',
            (
                'VIPSeg/panomasks/walk/00000.png  VIPSeg/images/walk/00000.jpg',
                '--from vipseg VIPSeg --out train.json',
            ),
            panoptic_pngs.recognise_vipseg,
            panoptic_pngs.read_vipseg,
        ),
        Format(
            'bdd100k',
            'BDD100K segmentation tracking: bitmasks of four channels, or run lengths',
            (
                'seg_track_20/bitmasks/train/b1c9/b1c9-0000001.png',
                '--from bdd100k seg_track_20/bitmasks/train --frames '
                'images/seg_track_20/train --out train.json',
            ),
            panoptic_pngs.recognise_bdd,
            panoptic_pngs.read_bdd,
        ),
    )
}


def recognised(source: Path) -> tuple[Format, str]:
    """The format of a source, and how it was told.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is of none, or of more than one.
    """
    if not source.exists():
        raise FileNotFoundError(f"There is no file or folder '{source}'.")
    found = [
        (given, how) for given in FORMATS.values() if (how := given.recognise(source))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ' and '.join(given.name for given, _ in found)
        raise ValueError(f"'{source}' looks like {names}: say which with --from.")
    if source.suffix.lower() in ('.zip', '.tar'):
        raise ValueError(
            f"'{source}' is no zip of CVAT with an annotations.xml, the only archive "
            'that is read as it is: unpack it, and name the folder.'
        )
    raise ValueError(
        f"'{source}' is of no format that is known: --list shows them with examples, "
        'and --from names one.'
    )
