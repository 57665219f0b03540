"""The benchmark's three ways agree, and the table has them all."""

from time_tables import time_table


def test_table(tmp_path, monkeypatch, capsys):
    arguments = '--cases layer4.0 layer4 classes --shrink 32 --rounds 1'
    rows = time_table('deformable.py', arguments, tmp_path, monkeypatch)
    layers = [row['name'] for row in rows[::3]]
    assert layers == ['classes'] * 3 + ['layer4.0', 'layer4']
    assert [row['way'] for row in rows] == ['package', 'mmcv', 'grid_sample'] * 5
    assert 'grid_sample' in capsys.readouterr().out
