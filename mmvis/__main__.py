"""``python -m mmvis VIDEO --config C --weights W``: see mmvis/apis/command.py.

``python -m mmvis export CONFIG``: see mmvis/deploy/command.py.
"""

import sys


def main() -> int:
    """Run what the first word asks for: a video, unless it is a command's name."""
    if sys.argv[1:2] == ['export']:
        from mmvis.deploy.command import main as export

        return export(sys.argv[2:])
    from mmvis.apis.command import main as predict

    return predict()


if __name__ == '__main__':
    raise SystemExit(main())
