"""The documents name only files and commands that exist."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from processes import run_bounded

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')),
    ROOT / 'configs/README.md',
    *sorted((ROOT / 'docs').rglob('*.md')),
]


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


def test_the_quoted_floor_plan_is_the_models():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    quoted = re.search(r'```\n(sg_net.py .*?)```', text, re.S)[1]
    plan = (ROOT / 'mmvis/models/sg_net/__init__.py').read_text()
    assert quoted in plan.replace('\n    ', '\n')


def test_cited_papers_are_those_of_the_models():
    """CITATION.cff names the papers as the models' pages do, authors in their order."""
    pages = [
        ' '.join(p.read_text().split()) for p in (ROOT / 'docs/en/models').glob('*.md')
    ]
    cited = yaml.safe_load((ROOT / 'CITATION.cff').read_text())['references']
    assert len(cited) == 4
    for paper in cited:
        page = next(page for page in pages if f'*{paper["title"]}*' in page)
        initials = [
            f'{a["given-names"][0]}. {a["family-names"]}' for a in paper['authors']
        ]
        assert f'{", ".join(initials)}: *{paper["title"]}*' in page
        assert paper.get('url', '') in page and str(paper['year']) in page


# Runs a script as far as its arguments: unknown, missing and misspelt ones end it.
PARSE_ONLY = """
import argparse, os, runpy, sys
parse = argparse.ArgumentParser.parse_args
def parse_and_stop(*args, **kwargs):
    parse(*args, **kwargs)
    raise SystemExit(0)
argparse.ArgumentParser.parse_args = parse_and_stop
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))  # as python does for a script
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def commands() -> list[str]:
    """Every script of tools/ that a document calls, with its words.

    ``mim`` calls tools/train.py, or tools/test.py with the checkpoint as an argument.
    """
    found = set()
    for path in DOCUMENTS:
        text = path.read_text().replace('\\\n', ' ')
        for line in re.findall(
            r'^ *(?:\$ )?((?:python tools/|python -m mmvis|mim t).*)$', text, re.M
        ):
            line = re.sub(r'\s#.*', '', line)
            line = re.sub(r'mim (train|test) mmvis', r'python tools/\1.py', line)
            line = line.replace('python -m mmvis', 'python mmvis/__main__.py')
            line = re.sub(r'--gpus \d+|--checkpoint', '', line)
            found.add(' '.join(line.split()[1:]))
    return sorted(found)


def test_commands_are_found():
    assert any(line.startswith('tools/train.py') for line in commands())
    assert any(
        line.startswith('tools/dataset_tools/validate.py') for line in commands()
    )


@pytest.mark.full
@pytest.mark.parametrize('line', commands())
def test_commands_are_understood(line):
    command = [sys.executable, '-c', PARSE_ONLY, *shlex.split(line)]
    done = run_bounded(command, cwd=ROOT)
    assert done.returncode == 0, done.stderr
