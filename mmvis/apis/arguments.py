"""What the command of videos takes, and its help."""

from __future__ import annotations

import argparse

from mmvis.engine.key_values import KeyValues
from mmvis.version import __version__

from .pipe_source import PIXEL_FORMATS
from .requests import KINDS, ON_ERROR
from .subcommands import overview

EXAMPLES = """\
complete examples:

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

  # all videos of a folder, and a recording in parts through which ids go on
  python -m mmvis recordings/ --config stmask_r50 --weights w.pth --out seen
  python -m mmvis part1.mp4 part2.mp4 --continue --detections all.json

  # a camera of the network, watched at http://127.0.0.1:8000; frames of a pipe
  python -m mmvis rtsp://10.0.0.7/live --config stmask_r50 --weights w.pth \\
      --serve 8000 --reconnect 10
  ffmpeg -i in.mkv -f rawvideo -pix_fmt bgr24 - | \\
      python -m mmvis - --size 1280x720 --fps 25 --config stmask_r50 --weights w.pth

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
        nargs='+',
        help='video file, folder of images or of videos, image, address (rtsp://, '
        'http://, udp://), the number or device of a camera, a named pipe, or - for '
        'stdin; several of them get a folder each',
    )
    parser.add_argument(
        '--config',
        help='config file, the name of one of mmvis, or an exported model.onnx',
    )
    parser.add_argument(
        '--detections',
        action='append',
        metavar='FILE',
        help='masks that something else has found, in the place of a config: a COCO '
        'results json, a COCO annotation json, or a folder of label PNGs, one a frame; '
        'for several videos give it once each, in their order',
    )
    parser.add_argument(
        '--weights', help="checkpoint, file or URL (default: the config's load_from)"
    )
    parser.add_argument(
        '--out',
        help='NAME.mp4 (the other files are called like it), or a folder '
        '(default: VIDEO_mmvis in the current one)',
    )
    parser.add_argument(
        '--save',
        nargs='+',
        choices=KINDS,
        default=['mp4', 'json'],
        metavar='KIND',
        help='what to write, of mp4, json, html (a page that plays, with tracks to '
        'switch), sheet, csv, mots (MOTS txt), cvat and cvat-tracks (an xml to '
        'correct, of masks or polygons), masks and crops (a folder a track) (default: '
        'mp4 json)',
    )
    parser.add_argument(
        '--score', type=float, default=0.3, help='lowest score shown (default: 0.3)'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='only these classes; of COCO results, which have no names, their '
        'category_id',
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
    _add_parts(parser)
    _add_streams(parser)
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='entries of the config to replace',
    )
    return parser


def _add_parts(parser: argparse.ArgumentParser) -> None:
    """Which frames, and what several videos have to do with each other."""
    parser.add_argument(
        '--start',
        default='0',
        metavar='N',
        help='first frame, from 0, or a time: 90s (default: 0)',
    )
    parser.add_argument(
        '--stop', metavar='N', help='frame, or time, before which it ends'
    )
    parser.add_argument(
        '--stride', type=int, default=1, metavar='N', help='every so many frames'
    )
    parser.add_argument(
        '--continue',
        dest='go_on',
        action='store_true',
        help='the videos are parts of one recording: ids go on through them',
    )


def _add_streams(parser: argparse.ArgumentParser) -> None:
    """Pipes, streams, and how to watch."""
    parser.add_argument(
        '--size',
        metavar='WxH',
        help='of raw frames on stdin; without it, JPEGs',
    )
    parser.add_argument(
        '--pix-fmt',
        choices=PIXEL_FORMATS,
        default='bgr24',
        help='of raw frames on stdin (default: bgr24)',
    )
    parser.add_argument(
        '--reconnect',
        type=int,
        default=0,
        metavar='TIMES',
        help='open a lost stream again, at most so often in a row (default: 0)',
    )
    parser.add_argument(
        '--serve',
        type=int,
        metavar='PORT',
        help='watch in a browser of this machine, at http://127.0.0.1:PORT',
    )
    parser.add_argument(
        '--show', action='store_true', help='watch in a window; q or Esc ends it'
    )
