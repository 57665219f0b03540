"""Benchmarks of masks alone: what is tracked is what was drawn."""

import json
import runpy

from data_factory import make_vis_dataset
from time_tables import TOOLS


def test_mask_tracker(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    out = tmp_path / 'a.json'
    arguments = '--masks 4 --size 90 160 --frames 6 --missed 0 --depth 8'
    tool = runpy.run_path(str(TOOLS / 'mask_tracker.py'))
    tool['main']([*arguments.split(), '--out', str(out)])
    rows = json.loads(out.read_text())['rows']
    assert {(row['masks'], row['looks']) for row in rows} == {
        (form, looks)
        for form in ('array', 'rle')
        for looks in ('no', 'given', 'colour')
    }
    assert {row['ids'] for row in rows} == {4}


def test_association_of_perfect_and_of_missing_masks(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    make_vis_dataset(tmp_path, lengths=(6, 5), nulls={1: [0, 1, 2]})
    out = tmp_path / 'a.json'
    arguments = [str(tmp_path), '--noise', 'none', 'dropped', '--no-old']
    tool = runpy.run_path(str(TOOLS / 'association.py'))
    tool['main']([*arguments, '--seeds', '0', '1', '--out', str(out)])
    none, dropped = json.loads(out.read_text()).values()
    row = none['MaskTracker']
    assert (row['AP'], row['AssA'], row['switches'], row['ids']) == (1, 1, 0, 2 * 4)
    # Tracks of all that is left cannot be whole, but their ids are right.
    assert dropped['the truth']['AssA'] == 1 > dropped['the truth']['AP']
