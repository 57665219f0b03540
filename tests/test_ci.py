"""What CI is said to run is there, and covers what the package says it supports."""

import os
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
JOB = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']['test']
MATRIX = JOB['strategy']['matrix']


def test_the_workflow_runs_the_script():
    commands = [step['run'] for step in JOB['steps'] if 'run' in step]
    assert commands == ['.ci/run']
    assert os.access(ROOT / '.ci/run', os.X_OK)


def test_every_line_of_releases_is_run():
    files = (ROOT / 'requirements').glob('mminstall-*.txt')
    assert {path.stem.removeprefix('mminstall-') for path in files} == {*MATRIX['line']}
    # The Makefile takes them from the environment.
    makefile = (ROOT / 'Makefile').read_text()
    assert all(re.search(rf'^{name} \?=', makefile, re.M) for name in JOB['env'])


def test_the_oldest_python_is_run():
    oldest = re.search(r"python_requires='>=(.+)'", (ROOT / 'setup.py').read_text())[1]
    assert MATRIX['python'][0] == oldest
