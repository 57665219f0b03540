"""Make sure that OpenCV can be imported.

    python check_opencv.py

The ordinary OpenCV needs libGL, which a machine without a desktop may lack: the
headless build of the same version then takes its place.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from install import main as install


def check_opencv() -> int:
    """Replace an OpenCV that cannot be imported; the exit status of doing so."""
    if _imports(quiet=True):
        return 0
    wanted = f'opencv-python-headless=={version("opencv-python")}'
    code = install(['-q', '--no-deps', '--force-reinstall', wanted])
    return code or not _imports(quiet=False)


def _imports(quiet: bool) -> bool:
    command = [sys.executable, '-c', 'import cv2']
    stderr = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, stderr=stderr).returncode == 0


if __name__ == '__main__':
    sys.exit(check_opencv())
