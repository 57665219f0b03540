"""``python -m mmvis VIDEO --config C --weights W``: see mmvis/apis/command.py."""

from mmvis.apis.command import main

if __name__ == '__main__':
    raise SystemExit(main())
