"""The commands that draw: browse, render_results, plot_curves."""

import importlib.util
import json
from pathlib import Path

import cv2
import pytest
from data_factory import make_vis_dataset

TOOLS = Path(__file__).parents[2] / 'tools'


def command(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, TOOLS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, lengths=(3, 2, 1))


def where(vis_set, out):
    root = vis_set.root
    return f'--ann {vis_set.ann_file} --img-prefix {root / vis_set.prefix} --out {out}'


def printed_files(capsys):
    lines = capsys.readouterr().out.splitlines()
    return [line.split(maxsplit=1)[1] for line in lines if line.startswith('wrote ')]


def test_browse_writes_a_sheet(vis_set, tmp_path, capsys):
    out = tmp_path / 'seen'
    assert command('dataset_tools/browse.py')(where(vis_set, out).split()) == 0
    assert printed_files(capsys) == [str(out / 'contact_sheet.png')]
    assert cv2.imread(str(out / 'contact_sheet.png')).shape[1] == 8 + 3 * (320 + 8)


def test_browse_writes_videos_and_frames(vis_set, tmp_path, capsys):
    out = tmp_path / 'seen'
    more = ' --write mp4 frames --videos 2 video_3 --fps 3'
    assert command('dataset_tools/browse.py')((where(vis_set, out) + more).split()) == 0
    assert len(printed_files(capsys)) == 4
    assert sorted(str(p.relative_to(out)) for p in out.rglob('*.*')) == [
        '2_video_2.mp4',
        '2_video_2/00000.png',
        '2_video_2/00001.png',
        '3_video_3.mp4',
        '3_video_3/00000.png',
    ]


def test_browse_without_labels(tmp_path, capsys):
    vis_set = make_vis_dataset(tmp_path, labelled=False)
    out = tmp_path / 'seen'
    assert command('dataset_tools/browse.py')(where(vis_set, out).split()) == 0
    captured = capsys.readouterr()
    assert 'no annotations: frames only' in captured.err
    assert (out / 'contact_sheet.png').exists()


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        ('--videos nowhere', 'has no video nowhere'),
        ('--img-prefix /nowhere', 'image root'),
        ('--ann /nowhere.json', '/nowhere.json'),
    ],
)
def test_browse_names_mistakes(vis_set, tmp_path, capsys, more, words):
    arguments = f'{where(vis_set, tmp_path / "seen")} {more}'.split()
    assert command('dataset_tools/browse.py')(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and 'Traceback' not in error


def test_render_results(vis_set, tmp_path, capsys):
    results = [
        {key: ann[key] for key in ('video_id', 'category_id', 'segmentations')}
        | dict(score=0.5)
        for ann in vis_set.content['annotations']
    ]
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    out = tmp_path / 'shown.mp4'
    arguments = f'{where(vis_set, out)} --results {path} --compare'.split()
    assert command('analysis_tools/render_results.py')(arguments) == 0
    assert printed_files(capsys) == [str(out), str(tmp_path / 'shown.png')]
    path.write_text('{}')
    assert command('analysis_tools/render_results.py')(arguments) == 1
    assert 'expected the list' in capsys.readouterr().err


def test_plot_curves(tmp_path, capsys):
    plot = command('analysis_tools/plot_curves.py')
    out = tmp_path / 'curves.png'
    (tmp_path / 'scalars.json').write_text('{"loss": 1.0, "lr": 0.1, "step": 1}\n')
    assert plot(f'{tmp_path} --out {out}'.split()) == 0
    assert printed_files(capsys) == [str(out)] and out.exists()
    (tmp_path / 'metrics.json').write_text('{"youtube_vis/AP": 0.5}')
    bars = tmp_path / 'bars.png'
    assert plot(f'--metrics {tmp_path / "metrics.json"} --out {bars}'.split()) == 0
    assert bars.exists()
    assert plot([str(tmp_path / 'nowhere')]) == 1
    assert 'no scalars.json' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        plot([])
