"""The documents name only files and commands that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    links = re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', path.read_text())
    local = [link for link in links if '://' not in link]
    missing = [link for link in local if not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_named_files_exist(path):
    names = re.findall(
        r'\b(?:configs|tools|mmvis|tests)/[\w/.-]*\.py\b', path.read_text()
    )
    missing = [name for name in names if not (ROOT / name).is_file()]
    assert not missing


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_bare_configs_exist(path):
    """``mim train mmvis NAME``: the file is somewhere in configs/."""
    names = re.findall(r'mim (?:train|test) mmvis ([\w/]+\.py)', path.read_text())
    known = {config.name for config in (ROOT / 'configs').rglob('*.py')}
    assert {Path(name).name for name in names} <= known


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """Every script of tools/ that a document calls, with the options it names."""
    found: dict[str, set[str]] = {}
    for path in DOCUMENTS:
        text = path.read_text().replace('\\\n', ' ')
        for script, rest in re.findall(
            r'^\$? ?python (tools/[\w/]+\.py)(.*)$', text, re.M
        ):
            words = rest.split('#')[0].split()
            options = {word.split('=')[0] for word in words if word.startswith('--')}
            found.setdefault(script, set()).update(options)
    return [
        (script, tuple(sorted(options))) for script, options in sorted(found.items())
    ]


@pytest.mark.full
@pytest.mark.parametrize(('script', 'options'), commands())
def test_scripts_know_their_options(script, options):
    command = [sys.executable, ROOT / script, '--help']
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    missing = [option for option in options if option not in done.stdout]
    assert not missing
