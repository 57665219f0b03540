"""Draw what InstanceFlow sees in a video: classes, centres, offsets and flow.

python tools/analysis_tools/instance_flow_maps.py VIDEO CONFIG CHECKPOINT --out maps.png

VIDEO is a video file or a folder of frames. A row is a frame: its tracks; the classes
of pixels; the heatmap of centres; offsets to the centres of this frame and of a
reference frame as colours of a wheel; and the instance flow, an arrow from each centre
to where the instance was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mmvis.apis.config_names import find_config
from mmvis.engine.command_line import CommandError, user_message
from mmvis.engine.config_files import read_config

if TYPE_CHECKING:
    import numpy as np
    import torch
    from mmdet.structures import TrackDataSample

    from mmvis.apis.frame_sources import FrameSource
    from mmvis.apis.video_session import Preparation
    from mmvis.models.instance_flow.instance_flow import InstanceFlow
    from mmvis.visualization.contact_sheet import SheetRow

PAGES = {'.png', '.jpg', '.jpeg'}
CAPTIONS = (
    'tracks',
    'classes',
    'centres',
    'offsets in the frame',
    'offsets to frame {}',
    'flow to frame {}',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('video', type=Path, help='a video file or a folder of frames')
    parser.add_argument('config', help='of an InstanceFlow, a file or a name')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', required=True, type=Path, help='.png or .jpg to write')
    parser.add_argument(
        '--frames', type=int, nargs='+', help='numbers from 0; default four of them'
    )
    parser.add_argument(
        '--reference',
        choices=('first', 'latest'),
        default='latest',
        help='which of the reference frames is shown',
    )
    parser.add_argument(
        '--everywhere', action='store_true', help='show the background, too'
    )
    parser.add_argument('--cell-width', type=int, default=320, help='px of a picture')
    parser.add_argument('--device', default='cpu')
    return parser.parse_args(argv)


def build(args: argparse.Namespace) -> tuple[InstanceFlow, Preparation]:
    """The model in eval mode, and what makes its input of frames."""
    config = read_config(find_config(args.config))
    kind = config.get('model', {}).get('type', 'no model')
    if kind.rpartition('.')[2] != 'InstanceFlow':
        raise CommandError(f'{args.config} is no InstanceFlow but {kind}.')
    head = config.model.get('inter_frame_head')
    if head is None or head.get('offset_unit', 1.0) is None:
        raise CommandError(f'{args.config} has no offsets to reference frames to show.')
    from mmvis.apis.loading import load_model
    from mmvis.apis.video_session import Preparation

    network, pipeline, *_ = load_model(config, args.checkpoint, args.device)
    model = cast('InstanceFlow', network)
    return model, Preparation(pipeline, model)


def enlarge(frame: np.ndarray, width: int) -> np.ndarray:
    """A small frame by a whole factor up to a width, so that lines look thin on it."""
    factor = max(width // frame.shape[1], 1)
    return frame.repeat(factor, axis=0).repeat(factor, axis=1)


def pictures(
    model: InstanceFlow,
    clip: torch.Tensor,
    sample: TrackDataSample,
    frame: np.ndarray,
    state,
    args: argparse.Namespace,
) -> tuple[list[np.ndarray], list[str]]:
    """Maps of a frame, each (h, w, 3), before it is tracked, and their captions."""
    import cv2
    import numpy as np

    from mmvis.models.instance_flow.flow import instance_flow
    from mmvis.models.instance_flow.instance_flow import STRIDE
    from mmvis.visualization.offset_maps import (
        class_colours,
        draw_arrows,
        fade_outside,
        heat_colours,
        offset_colours,
    )

    page = enlarge(frame, args.cell_width)
    metainfo = sample[0].metainfo
    feats = model.extract_test_feat(clip)
    _, target = model.assemble(feats, metainfo['img_shape'])
    size = target.id_map.shape
    content = [-(-side // STRIDE) for side in metainfo['img_shape']]

    def shown(picture: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
        if inside is not None and not args.everywhere:
            picture = fade_outside(picture, inside)
        picture = picture[: content[0], : content[1]]
        return cv2.resize(picture, page.shape[1::-1], interpolation=cv2.INTER_NEAREST)

    def array(tensor: torch.Tensor) -> np.ndarray:
        return tensor.float().cpu().numpy()

    inside = array(feats.semantic[0, -1]) < 0.5
    longest = max(metainfo['img_shape']) / 4
    scale = np.array(page.shape[1::-1]) / np.array(metainfo['img_shape'][1::-1])
    classes = feats.semantic[0].argmax(0).cpu().numpy()
    background = feats.semantic.shape[1] - 1
    centers = array(target.centers)
    heat = shown(heat_colours(array(feats.heatmap[0, 0])), inside)
    intra = offset_colours(array(target.intra_offsets), longest)
    panels = [
        shown(class_colours(classes, background)),
        draw_arrows(heat, centers * scale, centers * scale),
        shown(intra, inside),
    ]
    references = state.memory.references
    if not references or len(centers) == 0:
        return panels, [*CAPTIONS[:4]]
    reference = references[0 if args.reference == 'first' else -1]
    fields = model.inter_fields(feats.inter, [reference], size)
    flow = array(instance_flow(target, fields)[0])
    panels.append(shown(offset_colours(array(fields[0]), longest), inside))
    blended = cv2.addWeighted(page, 0.6, np.full_like(page, 255), 0.4, 0)
    panels.append(draw_arrows(blended, centers * scale, (centers + flow) * scale))
    return panels, [c.format(reference.frame_id) for c in CAPTIONS]


def draw_rows(
    model: InstanceFlow,
    prepare: Preparation,
    source: FrameSource,
    chosen: list[int],
    args: argparse.Namespace,
) -> list[SheetRow]:
    """A row for each of the chosen frames."""
    from mmvis.visualization import draw_tracks
    from mmvis.visualization.contact_sheet import SheetRow

    state, rows = model.init_state(), []
    for number, frame, damage in source:
        if number > max(chosen):
            break
        if frame is None:
            raise CommandError(damage)
        clip, sample = prepare([frame], number, 0)
        panels: list[np.ndarray] | None = None
        captions: list[str] = []
        if number in chosen:
            panels, captions = pictures(model, clip, sample, frame, state, args)
        (result,) = model.predict_clip(clip, sample, state)
        if panels is not None:
            tracks = draw_tracks(
                frame,
                result.masks,
                result.instances_id.tolist(),
                scores=result.scores.tolist(),
                scale=max(args.cell_width // frame.shape[1], 1),
            )
            rows.append(SheetRow(f'frame {number}', {'': [tracks, *panels]}, captions))
    return rows


def draw(args: argparse.Namespace) -> np.ndarray:
    """The whole page."""
    if args.out.suffix.lower() not in PAGES:
        raise CommandError(f'{args.out} must be a .png or .jpg.')
    from mmvis.apis.frame_sources import open_source

    source = open_source(args.video)
    model, prepare = build(args)
    # What takes seconds to import comes after what is quick to find out.
    import numpy as np
    import torch

    from mmvis.visualization.contact_sheet import contact_sheet, evenly_spaced
    from mmvis.visualization.offset_maps import colour_wheel
    from mmvis.visualization.text import paste

    length = source.length or sum(1 for _ in source)
    # The first frame has no reference.
    chosen = args.frames or [t + 1 for t in evenly_spaced(length - 1, 4)] or [0]
    wrong = [t for t in chosen if not 0 <= t < length]
    if wrong:
        raise CommandError(
            f'{args.video} has frames 0 to {length - 1}, not {wrong[0]}.'
        )
    with torch.no_grad():
        rows = draw_rows(model, prepare, source, chosen, args)
    page = contact_sheet(rows, cell_width=args.cell_width)
    band = np.full((56, page.shape[1], 3), 255, np.uint8)
    paste(band, colour_wheel(48), page.shape[1] - 56, 4)
    return np.vstack([band, page])


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        page = draw(args)
        import cv2

        args.out.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(args.out), page):
            raise CommandError(f'{args.out} cannot be written.')
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        print(f'instance_flow_maps: {message}', file=sys.stderr)
        return 1
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
