"""The validator as a command: exit codes and lines."""

import runpy
from pathlib import Path

import pytest
from data_factory import make_vis_dataset
from edge_cases import EDGE_CASES

TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_tools' / 'validate.py'


@pytest.fixture
def validate():
    return runpy.run_path(str(TOOL))['main']


def test_a_set_in_order(tmp_path, validate, capsys):
    vis_set = make_vis_dataset(tmp_path)
    assert validate([str(vis_set.ann_file)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [f"'{vis_set.ann_file}' is in order: 0 faults, 0 notes."]


@pytest.mark.parametrize(
    ('case', 'code'),
    [('baseline', 0), ('polygon', 0), ('truncated_jpeg', 1), ('orphan_annotation', 1)],
)
def test_exit_code_is_1_for_faults_only(tmp_path, validate, case, code, capsys):
    vis_set = EDGE_CASES[case].make(tmp_path)
    assert validate([str(vis_set.ann_file)]) == code
    out = capsys.readouterr().out
    for expected in EDGE_CASES[case].codes:
        assert sum(f' x {expected}: ' in line for line in out.splitlines()) == 1
        assert any(expected in line for line in out.splitlines()[:-2])


def test_images_can_be_left_out_or_elsewhere(tmp_path, validate, capsys):
    vis_set = EDGE_CASES['truncated_jpeg'].make(tmp_path)
    path = str(vis_set.ann_file)
    assert validate([path, '--no-images']) == 0
    assert validate([path, '--img-prefix', str(tmp_path / 'JPEGImages')]) == 1
    (tmp_path / 'JPEGImages').rename(tmp_path / 'frames')
    assert validate([path]) == 2
    assert '--img-prefix' in capsys.readouterr().err
    assert validate([path, '--img-prefix', str(tmp_path / 'frames')]) == 1
    assert validate([str(tmp_path / 'none.json')]) == 2


def test_lines_of_a_kind_are_limited_but_counted(tmp_path, validate, capsys):
    vis_set = make_vis_dataset(tmp_path, list_counts=True)
    assert validate([str(vis_set.ann_file), '--max-per-kind', '2']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith('note   LIST_RLE') for line in lines) == 3
    assert '       4 x LIST_RLE' in '\n'.join(lines)
    assert validate([str(vis_set.ann_file), '--max-per-kind', '0']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith('note   LIST_RLE') for line in lines) == 4


@pytest.mark.parametrize('number', ['0', '-1', 'two'])
def test_at_least_one_thread_reads(tmp_path, validate, capsys, number):
    with pytest.raises(SystemExit, match='2'):
        validate([str(tmp_path / 'a.json'), '--workers', number])
    assert '--workers' in capsys.readouterr().err
