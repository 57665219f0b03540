import json
import math

import pytest

from mmvis.visualization.training_log import (
    find_scalars,
    read_training_log,
    telling_names,
)


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))


def train(step, loss, **more):
    return dict(
        lr=0.1, data_time=0.1, loss=loss, iter=step, step=step, memory=9, **more
    )


def test_epochs_become_iterations(tmp_path):
    """mmengine's default: validation is logged with the epoch as its step."""
    file = tmp_path / 'run' / '20260102_030405' / 'vis_data' / 'scalars.json'
    write(
        file,
        [
            train(50, 2.0, epoch=1),
            train(100, 1.0, epoch=1),
            {'youtube_vis/AP': 0.1, 'data_time': 0.2, 'time': 0.3, 'step': 1},
            train(200, 0.5, epoch=2),
            {'youtube_vis/AP': 0.4, 'data_time': 0.2, 'time': 0.3, 'step': 2},
        ],
    )
    for path in (tmp_path / 'run', file.parent, file):
        log = read_training_log(path)
        assert log.name == f'{tmp_path.name}/run · 20260102_030405'
        assert log.train['loss'] == ([50, 100, 200], [2.0, 1.0, 0.5])
        assert log.val == {'youtube_vis/AP': ([100, 200], [0.1, 0.4])}
    assert read_training_log(file, 'mine').name == 'mine'


def test_a_config_is_named_by_the_run_that_used_it(tmp_path):
    work_dir = tmp_path / 'tried'
    for time, config in (('20260102_030405', 'x = 1'), ('20260102_040506', 'x = 2')):
        file = work_dir / time / 'vis_data' / 'scalars.json'
        write(file, [train(50, 2.0)])
        file.with_name('config.py').write_text(config)
    (work_dir / 'one_merged.py').write_text('x = 1')
    names = [
        read_training_log(work_dir / time).parts[0]
        for time in ('20260102_030405', '20260102_040506')
    ]
    assert names == ['one', 'one']  # the only one that there is
    (work_dir / 'two_merged.py').write_text('x = 2')
    logs = [read_training_log(path) for path in sorted(work_dir.glob('2*'))]
    assert [log.parts[0] for log in logs] == ['one', 'two']
    assert telling_names(logs) == ['one · 20260102_030405', 'two · 20260102_040506']
    logs[1] = read_training_log(work_dir, 'mine')
    assert telling_names(logs) == [logs[0].name, 'mine']
    # A work_dir called after its config says it once.
    (work_dir / 'one_merged.py').rename(work_dir / 'tried.py')
    parts = read_training_log(work_dir / '20260102_030405').parts
    assert parts == (f'{tmp_path.name}/tried', '20260102_030405')


def test_iterations_stay(tmp_path):
    # log_metric_by_epoch=False, and a logging interval that misses the last iteration.
    write(
        tmp_path / 'scalars.json',
        [
            train(50, 2.0),
            {'AP': 0.1, 'step': 60},
            train(100, 1.0),
            {'AP': 1, 'step': 120},
        ],
    )
    assert read_training_log(tmp_path).val == {'AP': ([60, 120], [0.1, 1.0])}


def test_what_is_not_a_number(tmp_path):
    (tmp_path / 'scalars.json').write_text(
        '{"loss": NaN, "step": 1}\n\n{"loss": Infinity, "step": 2}\n'
        '{"AP": null, "AP50": NaN, "step": 2}\n'
    )
    log = read_training_log(tmp_path)
    assert log.train['loss'][0] == [1, 2]
    assert all(math.isnan(value) for value in log.train['loss'][1])
    assert list(log.val) == ['AP50']


def test_newest_training_run_is_taken(tmp_path):
    first, second, tested = (
        tmp_path / time / 'vis_data' / 'scalars.json'
        for time in ('20260101_000000', '20260102_000000', '20260103_000000')
    )
    write(first, [train(1, 1.0)])
    write(second, [train(1, 1.0)])
    write(tested, [{'AP': 0.5, 'step': 0}])
    assert find_scalars(tmp_path) == str(second)


def test_mistakes(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no scalars\.json'):
        read_training_log(tmp_path)
    (tmp_path / 'scalars.json').write_text('{"loss": 1, "step": 1}\n{"loss"')
    with pytest.raises(ValueError, match='line 2'):
        read_training_log(tmp_path)
