"""``python -m mmvis VIDEO --config C --weights W``: see mmvis/apis/command.py.

``python -m mmvis export CONFIG``: see mmvis/deploy/command.py.
``python -m mmvis eval RESULTS`` and the like: see mmvis/apis/subcommands.py.
"""

import sys


def main() -> int:
    """Run what the first word asks for: a video, unless it is a command's name."""
    if sys.argv[1:2] == ['export']:
        from mmvis.deploy.command import main as export

        return export(sys.argv[2:])
    from mmvis.apis.subcommands import main as other

    return other()


if __name__ == '__main__':
    raise SystemExit(main())
