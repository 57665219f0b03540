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
from mmvis.visualization.training_log import TrainingLog


@pytest.mark.parametrize('weight', [0.0, 0.5, 0.9])
def test_smoothing_as_its_formula(weight):
    values = np.random.default_rng(0).normal(size=12).tolist()
    values[0] = values[4] = values[11] = math.nan
    values[7] = math.inf
    smoothed = smooth(values, weight)
    for t in range(12):
        sums = norms = 0.0
        for u, value in enumerate(values):
            if math.isfinite(value):
                sums += weight ** abs(t - u) * value
                norms += weight ** abs(t - u)
        if norms:
            assert smoothed[t] == pytest.approx(sums / norms, rel=1e-12)
        else:
            assert math.isnan(smoothed[t])


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
    assert [line.get_label() for line in validation.lines] == ['v/AP', 'v/AP50']
    assert list(validation.lines[0].get_ydata()) == [0.1, 0.3]


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
