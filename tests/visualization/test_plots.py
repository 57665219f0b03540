import json
import math

import cv2
import numpy as np
import pytest

from mmvis.visualization.plots import (
    plot_ap_bars,
    plot_training_curves,
    read_metrics,
    smooth,
)
from mmvis.visualization.training_log import TrainingLog, read_training_log


@pytest.mark.parametrize('weight', [0.0, 0.5, 0.9])
def test_smoothing_as_its_formula(weight):
    values = np.random.default_rng(0).normal(size=12).tolist()
    values[0] = values[4] = values[11] = math.nan
    values[7] = math.inf
    smoothed = smooth(values, weight)
    for t in range(12):
        sums = norms = 0.0
        for u, value in enumerate(values):
            # No further ahead than back to the first value, which is the second.
            if math.isfinite(value) and u - t <= max(t - 1, 0):
                sums += weight ** abs(t - u) * value
                norms += weight ** abs(t - u)
        if norms:
            assert smoothed[t] == pytest.approx(sums / norms, rel=1e-6)
        else:
            assert math.isnan(smoothed[t])


@pytest.mark.parametrize('weight', [0.0, 0.6, 0.95, 0.999])
def test_a_smooth_curve_starts_where_its_data_does(weight):
    falling = [60 * math.exp(-t / 5) + 9 for t in range(40)]
    assert smooth(falling, weight)[0] == falling[0]
    assert smooth([math.nan, *falling], weight)[1] == falling[0]
    # Nothing is added to a straight line until it ends, or to a constant.
    line = [3.0 * t for t in range(41)]
    assert smooth(line, weight)[:21] == pytest.approx(line[:21], abs=1e-9)
    assert smooth([7.0] * 30, weight) == pytest.approx([7.0] * 30, abs=1e-12)


def test_smoothing_of_nothing():
    assert len(smooth([], 0.5)) == 0
    assert np.isnan(smooth([math.nan, math.nan], 0.5)).all()
    with pytest.raises(ValueError, match='smoothing'):
        smooth([1.0], 1.0)


def log(name, scale=1.0):
    steps = list(range(10, 200, 10))
    losses = {
        key: (steps, [scale / step + offset for step in steps])
        for offset, key in enumerate(('loss_cls', 'loss', 'loss_mask'))
    }
    val = {
        key: ([100, 190], [0.1, 0.3]) for key in ('v/AP', 'v/AP50', 'v/occlusion_AP')
    }
    return TrainingLog(name, {'lr': (steps, [0.1] * len(steps)), **losses}, val)


def titles(figures):
    return [axis.get_title() for axis in figures[-1].axes]


@pytest.fixture
def figures(monkeypatch):
    """Figures that were saved."""
    from mmvis.visualization import plots

    saved = []
    save = plots._save
    monkeypatch.setattr(
        plots, '_save', lambda f, path: (saved.append(f), save(f, path))
    )
    return saved


def test_curves_of_one_run(tmp_path, figures):
    path = tmp_path / 'new' / 'curves.png'
    plot_training_curves([log('run')], path)
    assert cv2.imread(str(path)).std() > 1
    assert titles(figures) == ['loss', 'loss_cls', 'loss_mask', 'lr', 'validation']
    loss, validation = figures[-1].axes[0], figures[-1].axes[-1]
    raw = loss.lines[0]
    assert raw.get_xdata()[0] == 10 and raw.get_ydata()[0] == pytest.approx(0.1 + 1)
    names = [text.get_text() for text in validation.get_legend().get_texts()]
    assert names == ['v/AP: 0.300', 'v/AP50: 0.300']
    assert list(validation.lines[0].get_ydata()) == [0.1, 0.3]


@pytest.mark.parametrize('number', [1, 2, 5, 7, 10])
def test_every_column_has_an_axis_below(tmp_path, figures, number):
    curve = ([10, 20, 30], [3.0, 2.0, 1.0])
    run = TrainingLog('run', {f'loss_{i}': curve for i in range(number)})
    plot_training_curves([run], tmp_path / 'curves.png')
    lowest = {}
    for axis in figures[-1].axes:
        column, row = axis.get_position().x0, axis.get_position().y0
        lowest[column] = min(lowest.get(column, (2, None)), (row, axis))
        numbers = [label.get_text() for label in axis.get_xticklabels()]
        assert any(label.get_visible() for label in axis.get_xticklabels())
        assert '20' in numbers
    assert all(axis.get_xlabel() == 'iteration' for _, axis in lowest.values())


def test_a_single_validation_is_seen(tmp_path, figures):
    """In pixels: its colour is found across the whole panel."""
    run = log('run')
    run.val = {'v/AP': ([190], [0.25])}
    path = tmp_path / 'curves.png'
    plot_training_curves([run], path)
    picture = cv2.imread(str(path)).astype(int)
    height, width = picture.shape[:2]
    box = figures[-1].axes[-1].get_position()  # shares of the figure, from its foot
    rows = slice(int((1 - box.y1) * height), int((1 - box.y0) * height))
    panel = picture[rows, int(box.x0 * width) : int(box.x1 * width)]
    # Blue, #0072B2, also where it is mixed with white.
    blue = (panel[..., 0] - panel[..., 2] > 60).any(axis=0)
    parts = np.array_split(blue, 10)
    assert all(part.any() for part in parts)


def test_the_title_names_config_and_run(tmp_path, figures):
    folder = tmp_path / 'demo' / 'work_dir'
    for time in ('20260101_000000', '20260102_000000'):
        file = folder / time / 'vis_data' / 'scalars.json'
        file.parent.mkdir(parents=True)
        file.write_text('{"loss": 1.0, "lr": 0.1, "step": 1}\n')
    (folder / 'stmask_merged.py').write_text('x = 1')
    plot_training_curves([read_training_log(folder)], tmp_path / 'a.png')
    title = 'stmask · demo/work_dir · 20260102_000000'
    assert figures[-1].get_suptitle() == title
    runs = [read_training_log(folder / f'2026010{day}_000000') for day in (1, 2)]
    plot_training_curves(runs, tmp_path / 'a.png')
    legend = [text.get_text() for text in figures[-1].legends[0].get_texts()]
    assert legend == ['20260101_000000', '20260102_000000']


def test_curves_of_several_runs(tmp_path, figures):
    logs = [log('short'), log('other', 2.0)]
    del logs[1].val['v/AP50']
    plot_training_curves(logs, tmp_path / 'curves.png', keys=['loss', 'AP', 'AP50'])
    assert titles(figures) == ['loss', 'v/AP', 'v/AP50']
    colours = {line.get_color() for line in figures[-1].axes[1].lines}
    assert len(colours) == 2
    legend = [text.get_text() for text in figures[-1].legends[0].get_texts()]
    assert legend == ['short', 'other']


def test_unknown_keys_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'nothing of recall.*loss_mask'):
        plot_training_curves([log('run')], tmp_path / 'curves.png', keys=['recall'])


def test_bars(tmp_path, figures):
    metrics = {
        'youtube_vis/AP': 0.25,
        'youtube_vis/AP_s': None,
        'youtube_vis/AP_m': math.nan,
        'youtube_vis/AP_l': -1,
        'youtube_vis/AR10': 0.95,
        'youtube_vis/occlusion_AP': 0.125,
        'youtube_vis/person_precision': 0.5,
        'youtube_vis/lorry/van_precision': 0.75,
        'time': 3.0,
    }
    plot_ap_bars(metrics, tmp_path / 'bars.png', 'a title')
    shown = {
        axis.get_title(loc='left'): dict(
            zip(
                [label.get_text() for label in axis.get_yticklabels()],
                [text.get_text() for text in axis.texts],
                strict=True,
            )
        )
        for axis in figures[-1].axes
    }
    assert shown == {
        'overall': {
            'AP': '0.250',
            'AP_s': '-',
            'AP_m': '-',
            'AP_l': '-',
            'AR10': '0.950',
        },
        'attributes': {'occlusion': '0.125'},
        'categories': {'person': '0.500', 'lorry/van': '0.750'},
    }
    widths = [bar.get_width() for bar in figures[-1].axes[0].patches]
    assert widths == [0.25, 0, 0, 0, 0.95]
    with pytest.raises(ValueError, match='no AP among the metrics time'):
        plot_ap_bars({'time': 3.0}, tmp_path / 'bars.png')


def test_read_metrics(tmp_path):
    path = tmp_path / 'metrics.json'
    path.write_text(json.dumps({'AP': 0.5}, indent=1))
    assert read_metrics(path) == {'AP': 0.5}
    path.write_text('{"AP": 0.1}\n{"AP": 0.2}\n')
    assert read_metrics(path) == {'AP': 0.2}
    for text in ('[1]', 'words', ''):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'metrics\.json'):
            read_metrics(path)
