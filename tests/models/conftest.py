"""Tests of all models together take each model from that model's own tests."""

import sys
from pathlib import Path

sys.path.extend(str(path) for path in Path(__file__).parent.iterdir() if path.is_dir())
