"""The command: a video in, an mp4 with masks and a json out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mmvis.dependencies import check_for_models
from mmvis.engine.checkpoint_files import find_checkpoint, is_address
from mmvis.engine.command_line import user_message
from mmvis.engine.config_files import read_config
from mmvis.engine.errors import CheckpointError
from mmvis.engine.key_values import KeyValues
from mmvis.runtime.errors import ExportedModelError
from mmvis.runtime.model_file import is_exported
from mmvis.version import __version__

from .config_names import find_config
from .errors import (
    ConfigNotFoundError,
    DetectionsError,
    DeviceError,
    NoFramesError,
    SourceNotFoundError,
    UnreadableSourceError,
)
from .output_places import refuse_places
from .requests import KINDS, ON_ERROR, check_chunk, check_score, output_paths
from .subcommands import overview

if TYPE_CHECKING:
    from mmengine.config import Config

    from .frame_sources import FrameSource
    from .video_result import VideoResult
    from .vis_inferencer import VISInferencer

# What goes wrong, and the code that the command ends with.
EXIT_CODES = {
    SourceNotFoundError: 3,
    ConfigNotFoundError: 3,
    UnreadableSourceError: 4,
    NoFramesError: 5,
    CheckpointError: 6,
    DeviceError: 7,
    DetectionsError: 8,
    ExportedModelError: 6,
}
OTHER_ERROR, INTERRUPTED = 1, 130

EXAMPLES = """\
four complete examples:

  # a video file: writes dancers_mmvis/dancers.mp4, .json and _video.json
  python -m mmvis dancers.mp4 --config stmask_r50 --weights stmask_r50.pth

  # a folder of frames, people and dogs only, all kinds of files, on the CPU
  python -m mmvis frames/ --config masktrack_rcnn_r50 --weights m.pth \\
      --classes person dog --score 0.5 --save mp4 json masks sheet \\
      --out seen/dogs.mp4 --device cpu

  # a config of your own on a GPU, in chunks and half precision; damaged frames are
  # left out
  python -m mmvis long.mkv --config my_config.py --weights work_dirs/x/iter_800.pth \\
      --chunk 8 --half --on-error skip

  # masks of your own, COCO's results or label PNGs: ids, and a page that plays
  python -m mmvis street.mp4 --detections results.json --save mp4 html json

other words in the place of VIDEO, each with a --help of its own (a video of such a
name is ./eval):

{others}

exit codes: 0 done; 1 another error, such as a damaged frame; 2 wrong arguments; 3 no
such video, folder or config; 4 the video cannot be opened, or no frame of it decoded;
5 it has no frame; 6 the weights are missing, cannot be read safely or are not of this
config; 7 there is no such device; 8 detections that cannot be read or do not fit; 130
interrupted (what was written until then is whole).
"""


def make_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog='python -m mmvis',
        description='Find, segment and track the objects of a video.',
        epilog=EXAMPLES.format(others=overview()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'mmvis {__version__}')
    parser.add_argument(
        'video',
        help='video file, folder of images, image, address (rtsp://, http://, udp://), '
        'or the number of a camera',
    )
    parser.add_argument(
        '--config',
        help='config file, the name of one of mmvis, or an exported model.onnx',
    )
    parser.add_argument(
        '--detections',
        metavar='FILE',
        help='masks that something else has found, in the place of a config: a COCO '
        'results json, or a folder of label PNGs, one a frame',
    )
    parser.add_argument(
        '--weights', help="checkpoint, file or URL (default: the config's load_from)"
    )
    parser.add_argument(
        '--out',
        help='NAME.mp4 (the other files are called like it), or a folder '
        '(default: VIDEO_mmvis)',
    )
    parser.add_argument(
        '--save',
        nargs='+',
        choices=KINDS,
        default=['mp4', 'json'],
        metavar='KIND',
        help='what to write, of mp4, json, html (a page that plays, with tracks to '
        'switch), sheet, csv, mots (MOTS txt), cvat (an xml to correct), masks and '
        'crops (a folder a track) (default: mp4 json)',
    )
    parser.add_argument(
        '--score', type=float, default=0.3, help='lowest score shown (default: 0.3)'
    )
    parser.add_argument(
        '--classes', nargs='+', metavar='NAME', help='only these classes'
    )
    parser.add_argument(
        '--chunk', type=int, default=1, help='frames that the network gets at once'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (default: a GPU if any)')
    parser.add_argument(
        '--half', action='store_true', help='half precision (on a CPU: bfloat16)'
    )
    parser.add_argument(
        '--compile', action='store_true', help='compile the network with torch.compile'
    )
    parser.add_argument(
        '--no-graph',
        action='store_true',
        help='do not record the network as CUDA graphs (on a GPU it is)',
    )
    parser.add_argument('--fps', type=float, help="of the mp4 (default: the video's)")
    parser.add_argument(
        '--on-error',
        choices=ON_ERROR,
        default='stop',
        help='what a frame that cannot be read does (default: stop)',
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='entries of the config to replace',
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ['doctor']:  # a video of this name is ./doctor
        from .doctor.command import main as examine

        return examine(words[1:])
    parser = make_parser()
    args = parser.parse_args(argv)
    if (args.config is None) == (args.detections is None):
        parser.error('either --config or --detections is needed')
    video: VideoResult | None = None
    code, started = 0, time.perf_counter()
    # Being told to end (docker stop, a batch system) is the same as ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        source, out, inferencer = make_inferencer(args)
        least = getattr(inferencer.model, 'score_thr', 0.0)
        if args.score < least:
            print(
                f'mmvis: the config leaves out scores below {least:g} '
                '(model.score_thr), so --score has no effect below it.',
                file=sys.stderr,
            )
        started = time.perf_counter()
        video = inferencer.new_result(source, keep_frames=False)
        inferencer.predict_into(
            video,
            source,
            out=out,
            save=args.save,
            chunk=args.chunk,
            on_error=args.on_error,
            score=args.score,
            classes=args.classes,
            fps=args.fps,
            progress=not args.quiet,
        )
    except KeyboardInterrupt:
        print('mmvis: interrupted.', file=sys.stderr)
        code = INTERRUPTED
    except Exception as error:
        message = None if os.environ.get('MMVIS_TRACEBACK') else user_message(error)
        if message is None:
            raise
        print(f'mmvis: error: {message}', file=sys.stderr)
        code = exit_code(error)
    finally:
        signal.signal(signal.SIGTERM, before)
    if video is not None and (video.num_frames or not code):
        report(video, time.perf_counter() - started)
    return code


def look_at_source(args: argparse.Namespace) -> tuple[FrameSource, Path]:
    """The source and where files go, if nothing asked for is wrong."""
    check_chunk(args.chunk)
    check_score(args.score)
    from .frame_sources import open_source

    source = open_source(source_of(args.video))
    out = Path(args.out or f'{source.name or "video"}_mmvis')
    refuse_places(*output_paths(out, args.save, source.name), source.path)
    return source, out


def look_ahead(args: argparse.Namespace) -> tuple[FrameSource, Path, Config | str]:
    """The source, where files go, and the config: what needs no network to be wrong."""
    source, out = look_at_source(args)
    if is_exported(args.config):
        return source, out, args.config
    check_for_models()
    config = read_config(find_config(args.config))
    if args.weights and not is_address(args.weights):
        find_checkpoint(args.weights)
    return source, out, config


def make_inferencer(
    args: argparse.Namespace,
) -> tuple[FrameSource, Path, VISInferencer]:
    """The source, where files go, and what finds the instances."""
    if args.detections is not None:
        source, out = look_at_source(args)
        from .mask_inferencer import MaskInferencer

        return source, out, MaskInferencer(args.detections)
    source, out, config = look_ahead(args)
    from mmvis.apis import VISInferencer  # which takes seconds

    inferencer = VISInferencer(
        config,
        args.weights,
        device=args.device,
        half=args.half,
        compile=args.compile,
        graph=False if args.no_graph else None,
        cfg_options=args.cfg_options,
    )
    return source, out, inferencer


def exit_code(error: Exception) -> int:
    """The code for a user's mistake."""
    return next(
        (code for kind, code in EXIT_CODES.items() if isinstance(error, kind)),
        OTHER_ERROR,
    )


def source_of(text: str) -> str | int:
    """The number of a camera, where there is no file of this name."""
    return int(text) if text.isdecimal() and not os.path.exists(text) else text


def report(video: VideoResult, seconds: float) -> None:
    """Say what was found and written."""
    rate = video.num_frames / seconds if seconds else 0
    print(f'{video.name}: {video.num_frames} frames in {seconds:.1f} s ({rate:.1f}/s)')
    for index, damage in video.damaged.items():
        print(f'left out: frame {index}: {damage}')
    for path in video.files.values():
        print(f'wrote {path}')
    if video.codec == 'mp4v' and 'mp4' in video.files:
        from mmvis.visualization.video_encoders import HOW_TO_PLAY

        print(HOW_TO_PLAY.format(name=video.files['mp4'].name))
