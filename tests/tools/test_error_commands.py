"""The commands that explain numbers: analyze_errors and compare_runs."""

import importlib.util
import json
from pathlib import Path

import pytest
from data_factory import make_vis_dataset

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


def command(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def files(tmp_path):
    """A set and results: the first category is perfect, the second mislabelled."""
    vis_set = make_vis_dataset(tmp_path)
    results = [
        {key: ann[key] for key in ('video_id', 'segmentations')}
        | dict(category_id=1, score=0.9 - 0.4 * (ann['category_id'] == 2))
        for ann in vis_set.content['annotations']
    ]
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    return vis_set, path


def test_analyze_errors(files, tmp_path, capsys):
    vis_set, path = files
    out, numbers = tmp_path / 'report.html', tmp_path / 'numbers.json'
    arguments = [str(path), str(vis_set.ann_file), '--out', str(out)]
    arguments += ['--json', str(numbers)]
    images = ['--img-prefix', str(vis_set.root / vis_set.prefix)]
    assert command('analyze_errors')([*arguments, *images]) == 0
    shown = capsys.readouterr().out
    assert 'classification' in shown and f'wrote {out}' in shown
    kinds = json.loads(numbers.read_text())['kinds']
    assert kinds['classification']['false_positives'] == 2
    assert kinds['classification']['gain_AP50'] == pytest.approx(0.5)
    with_images = out.read_text()
    assert 'on grey' not in with_images
    assert command('analyze_errors')(arguments) == 0
    assert 'on grey' in out.read_text()


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        ('--iou-thr 0.1', 'IoU threshold is 0.1'),
        ('--img-prefix nowhere', 'is the image root right?'),
    ],
)
def test_analyze_errors_names_mistakes(files, tmp_path, capsys, more, words):
    vis_set, path = files
    out = str(tmp_path / 'report.html')
    arguments = [str(path), str(vis_set.ann_file), '--out', out, *more.split()]
    assert command('analyze_errors')(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith('analyze_errors: ') and words in error
    assert error.count('\n') == 1


def test_files_that_are_not_there_or_no_results(files, tmp_path, capsys):
    vis_set, path = files
    analyze = command('analyze_errors')
    assert analyze(['nowhere.json', str(vis_set.ann_file)]) == 1
    assert 'nowhere.json does not exist' in capsys.readouterr().err
    path.write_text('no json')
    assert analyze([str(path), str(vis_set.ann_file)]) == 1
    assert 'is not json' in capsys.readouterr().err
    path.write_text('[3]')
    assert analyze([str(path), str(vis_set.ann_file)]) == 1
    assert 'result 0 is no object' in capsys.readouterr().err


def test_compare_runs(files, tmp_path, capsys):
    vis_set, path = files
    out = tmp_path / 'runs.json'
    group = f'{path},{path}'
    arguments = [str(vis_set.ann_file), '--run', f'a={group}', '--run', f'b={path}']
    assert command('compare_runs')([*arguments, '--out', str(out)]) == 0
    assert 'a (2 runs)' in capsys.readouterr().out
    assert json.loads(out.read_text())['a']['AP']['std'] == 0
    for wrong, words in (
        (['--run', 'files.json'], 'NAME=FILE'),
        (['--run', f'a={path}', '--run', f'a={path}'], 'given twice'),
        (['--run', 'a=nowhere.json'], 'nowhere.json does not exist'),
    ):
        assert command('compare_runs')([str(vis_set.ann_file), *wrong]) == 1
        error = capsys.readouterr().err
        assert error.startswith('compare_runs: ') and words in error
