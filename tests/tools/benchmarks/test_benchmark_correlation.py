"""The benchmark's three ways agree, and the table has them all."""

from time_tables import time_table


def test_table(tmp_path, monkeypatch, capsys):
    arguments = '--channels 4 --patches 3 5 --batch 2 --rounds 1'
    rows = time_table('correlation.py', arguments, tmp_path, monkeypatch)
    cases = {(row['level'], row['patch']) for row in rows}
    assert cases == {(level, patch) for level in ('P3', 'P4') for patch in (3, 5)}
    assert [row['way'] for row in rows] == ['tiles', 'loop', 'all pairs'] * 4
    assert 'all pairs' in capsys.readouterr().out
