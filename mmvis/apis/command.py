"""The command: a video in, an mp4 with masks and a json out."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack

from mmvis.engine.command_line import user_message
from mmvis.engine.errors import CheckpointError
from mmvis.runtime.errors import ExportedModelError

from .arguments import make_parser
from .errors import (
    ConfigNotFoundError,
    DetectionsError,
    DeviceError,
    NoFramesError,
    SourceNotFoundError,
    UnreadableSourceError,
)
from .jobs import Run

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


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ['doctor']:  # a video of this name is ./doctor
        from .doctor.command import main as examine

        return examine(words[1:])
    parser = make_parser()
    args = parser.parse_args(argv)
    if (args.config is None) == (args.detections is None):
        both = '' if args.config is None else ', not both'
        parser.error(f'either --config or --detections is needed{both}')
    code = 0
    # Being told to end (docker stop, a batch system) is the same as ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as watching:
            run = Run(args, watching)
            for job in run.jobs:
                run.do(job)
        code = OTHER_ERROR if run.left_out else 0
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
    return code


def exit_code(error: Exception) -> int:
    """The code for a user's mistake."""
    return next(
        (code for kind, code in EXIT_CODES.items() if isinstance(error, kind)),
        OTHER_ERROR,
    )
