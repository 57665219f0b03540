"""The table has both orders of maps, and how they compare."""

import runpy

import pytest
import torch
from time_tables import TOOLS


@pytest.fixture
def threads():
    number = torch.get_num_threads()
    yield
    torch.set_num_threads(number)


def test_report(monkeypatch, capsys, threads):
    monkeypatch.syspath_prepend(str(TOOLS))
    main = runpy.run_path(str(TOOLS / 'training_step.py'))['main']
    settings = '--rounds 1 --clips 1 --size 64 96 --objects 2'
    main(['stmask_bench', *settings.split()])
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[-4:] == ['forward', 'backward', 'optimizer', 'all']
    plain, last = (row.removeprefix('stmask_bench').split() for row in rows)
    assert plain[0] == 'contiguous' and last[:2] == ['channels', 'last']
    for *parts, total, _ in (plain[1:], last[2:]):
        assert min(map(float, parts)) > 0
        assert sum(map(float, parts)) == pytest.approx(float(total), abs=0.3)
    assert plain[-1] == '1.00'
    ratio = float(last[-2]) / float(plain[-2])
    assert float(last[-1]) == pytest.approx(ratio, abs=0.01)
