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
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint

import mmvis  # noqa: F401  (registers everything)
from mmvis.engine.checkpoint import CheckpointError
from mmvis.models.layers.instance_flow import instance_flow
from mmvis.models.vis import InstanceFlow
from mmvis.models.vis.instance_flow import STRIDE
from mmvis.registry import MODELS, TRANSFORMS
from mmvis.visualization import draw_tracks
from mmvis.visualization.contact_sheet import SheetRow, contact_sheet, evenly_spaced
from mmvis.visualization.offset_maps import (
    class_colours,
    colour_wheel,
    draw_arrows,
    fade_outside,
    heat_colours,
    offset_colours,
)
from mmvis.visualization.text import paste

IMAGES = {'.jpg', '.jpeg', '.png', '.bmp', '.webp'}
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
    parser.add_argument('config', help='of an InstanceFlow')
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


def count_frames(video: Path) -> int:
    """Number of frames of a video file or a folder."""
    if video.is_dir():
        return len(_image_files(video))
    return sum(1 for _ in read_frames(video))


def read_frames(video: Path) -> Iterator[np.ndarray]:
    """Frames (h, w, 3) uint8 BGR of a video file or a folder, in their order."""
    if video.is_dir():
        for path in _image_files(video):
            frame = cv2.imread(str(path))
            if frame is None:
                raise ValueError(f'{path} cannot be read as an image.')
            yield frame
        return
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        raise ValueError(f'{video} cannot be opened as a video.')
    while True:
        found, frame = capture.read()
        if not found:
            capture.release()
            return
        yield frame


def _image_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGES)


def build(args: argparse.Namespace) -> tuple[InstanceFlow, dict]:
    """The model in eval mode, and the transform that resizes its frames."""
    if not Path(args.config).is_file():
        raise ValueError(f'The config {args.config} does not exist.')
    config = Config.fromfile(args.config)
    if config.model.type.rpartition('.')[2] != 'InstanceFlow':
        raise ValueError(f'{args.config} is no InstanceFlow but {config.model.type}.')
    init_default_scope('mmvis')
    model = MODELS.build(config.model)
    head = model.inter_frame_head
    if head is None or not head.gives_offsets:
        raise ValueError(f'{args.config} has no offsets to reference frames to show.')
    try:
        load_checkpoint(model, args.checkpoint, map_location='cpu', strict=True)
    except RuntimeError as error:
        raise ValueError(f'{args.checkpoint} does not fit: {error}') from error
    transforms = config.test_pipeline[0].transforms
    (resize,) = [t for t in transforms if t.type.rpartition('.')[2] == 'Resize']
    return model.to(args.device).eval(), TRANSFORMS.build(resize)


def prepare(
    model: InstanceFlow, resize, frame: np.ndarray, number: int
) -> tuple[torch.Tensor, TrackDataSample]:
    """A clip (1, C, H, W) of one frame as the model takes it."""
    shape = frame.shape[:2]
    resized = resize(dict(img=frame, img_shape=shape, ori_shape=shape))
    sample = TrackDataSample()
    metainfo = dict(
        video_id=0,
        frame_id=number,
        ori_shape=shape,
        img_shape=resized['img_shape'],
        scale_factor=resized['scale_factor'],
    )
    sample.video_data_samples = [DetDataSample(metainfo=metainfo)]
    image = np.ascontiguousarray(resized['img'].transpose(2, 0, 1))
    data = model.data_preprocessor(
        dict(inputs=[torch.from_numpy(image)[None]], data_samples=[sample]), False
    )
    return data['inputs'][0], data['data_samples'][0]


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


@torch.no_grad()
def draw(args: argparse.Namespace) -> np.ndarray:
    """The whole page."""
    if not args.video.exists():
        raise ValueError(f'{args.video} does not exist.')
    model, resize = build(args)
    length = count_frames(args.video)
    # The first frame has no reference.
    chosen = args.frames or [t + 1 for t in evenly_spaced(length - 1, 4)] or [0]
    wrong = [t for t in chosen if not 0 <= t < length]
    if wrong:
        raise ValueError(f'{args.video} has frames 0 to {length - 1}, not {wrong[0]}.')
    state, rows = model.init_state(), []
    for number, frame in enumerate(read_frames(args.video)):
        if number > max(chosen):
            break
        clip, sample = prepare(model, resize, frame, number)
        panels = None
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
    page = contact_sheet(rows, cell_width=args.cell_width)
    band = np.full((56, page.shape[1], 3), 255, np.uint8)
    paste(band, colour_wheel(48), page.shape[1] - 56, 4)
    return np.vstack([band, page])


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        page = draw(args)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(args.out), page):
            raise ValueError(f'{args.out} cannot be written.')
    except (ValueError, OSError, CheckpointError, cv2.error) as error:
        print(f'instance_flow_maps: {error}', file=sys.stderr)
        return 1
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
