"""What a user is told while work goes on."""

from __future__ import annotations

import sys


def warn(text: str) -> None:
    """One sentence, into mmengine's log where there is one, else to stderr."""
    if 'mmengine' in sys.modules:
        from mmengine.logging import print_log

        print_log(text, 'current', level=30)
    else:
        print(f'mmvis: {text}', file=sys.stderr)
