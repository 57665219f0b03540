"""Run ``pip install``, and say in a sentence why it fails if the machine is the reason.

``python install.py OPTION ...`` takes what ``pip install`` takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PIP = [sys.executable, '-m', 'pip', '--disable-pip-version-check', 'install']
MEGABYTE = 2**20

_NO_SPACE = re.compile(r'No space left on device|Errno 28\b|Disk quota exceeded')
# 137: the kernel has killed a compiler.
_NO_MEMORY = re.compile(
    r'Killed signal terminated|\[code=137\]|out of memory|MemoryError'
)
_NO_INDEX = re.compile(
    r'NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError'
    r'|Temporary failure in name resolution'
)


def explain(log: str) -> str:
    """The sentence for what ``log`` says went wrong, or ''."""
    if _NO_SPACE.search(log):
        return (
            'the disk is full: make room, or put the environment (VENV=...), '
            "temporary files (TMPDIR=...) or pip's cache (PIP_CACHE_DIR=...) "
            f'elsewhere; left are {_left()}'
        )
    if _NO_MEMORY.search(log):
        return (
            'memory ran out: end other programs, or compile one file at a time: '
            'make env MAX_JOBS=1'
        )
    if _NO_INDEX.search(log):
        return (
            'the package index cannot be reached: check the connection (behind a '
            'proxy: https_proxy=...) and run the same command again'
        )
    return ''


def _left() -> str:
    """Free space where an installation writes; what failed has been removed already."""
    cache = os.environ.get('PIP_CACHE_DIR') or os.path.expanduser('~')
    parts = []
    for folder in dict.fromkeys((sys.prefix, tempfile.gettempdir(), cache)):
        if Path(folder).exists():
            free = shutil.disk_usage(folder).free // MEGABYTE
            parts.append(f'{free} MB in {folder}')
    return ', '.join(parts)


def main(argv: list[str]) -> int:
    """Install; progress bars stay, since only stderr is read along."""
    process = subprocess.Popen(
        [*PIP, *argv], stderr=subprocess.PIPE, text=True, errors='replace'
    )
    log = []
    for line in process.stderr or ():
        sys.stderr.write(line)
        log.append(line)
    code = process.wait()
    if code and (sentence := explain(''.join(log))):
        print(f'ERROR: {sentence}.', file=sys.stderr)
    return code


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
