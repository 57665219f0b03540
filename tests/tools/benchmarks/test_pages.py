"""Tables of the documents are those of the committed json files."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / 'docs/en'
# Page, fence, json, and the script and function that make a table of it.
TABLES = [
    ('deploy.md', 'times', 'deploy.json', 'deploy', lambda tool, found: found),
    ('deploy.md', 'tracks', 'same_tracks.json', 'same_tracks', lambda _, found: found),
    ('speed.md', 'endurance', 'endurance.json', 'endurance', lambda _, f: f['rows']),
    ('speed.md', 'clips', 'clips.json', 'data_pipeline', lambda _, f: f['rows']),
    ('distributed.md', 'ranks', 'ranks.json', 'ranks', lambda _, found: found),
]


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools/benchmarks'))
    from measuring import pages

    yield pages
    for table in TABLES:
        sys.modules.pop(table[3], None)


@pytest.mark.parametrize(('page', 'name', 'file', 'script', 'part'), TABLES)
def test_the_page_is_the_jsons(pages, page, name, file, script, part):
    tool = importlib.import_module(script)
    table = tool.table(part(tool, json.loads((DOCS / file).read_text())))
    text = (DOCS / page).read_text()
    assert pages.with_table(text, name, table) == text
    assert table.count('\n') > 1 and table in text


def test_only_the_fence_of_that_name(pages, tmp_path):
    page = tmp_path / 'page.md'
    fences = [f'<!-- {n}: begin -->\nold\n<!-- {n}: end -->' for n in 'ab']
    page.write_text('x\n' + '\ny\n'.join(fences))
    pages.write_table(page, 'b', 'new')
    assert (
        page.read_text()
        == 'x\n' + '\ny\n'.join(fences)[::-1].replace('old'[::-1], 'new'[::-1], 1)[::-1]
    )
    with pytest.raises(ValueError, match='c: begin'):
        pages.write_table(page, 'c', 'new')
