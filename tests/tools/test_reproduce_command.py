"""The command: what it lists, refuses and goes on with after it was killed."""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from processes import COMMAND_LIMIT, started, wait_for

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'tools/reproduce.py'
PLAN = """
from reproduction import Claim, Plan, Run
RUNS = [
    Run('one', 'configs/bench/sg_net_bench.py', 16),
    Run('two', test_of='one', overrides={'model.tracker.radius': 2.0}),
]
CLAIMS = [
    Claim('it_helps', 'SG-Net', 'It helps.', 'T.', 'one', 'two', budget='weights'),
]
PLAN = Plan('data', 'bench', (0,), RUNS, CLAIMS, videos=(4, 1))
"""


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location('reproduce_command', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def command(tmp_path):
    """Arguments that keep everything in a temporary folder."""
    (tmp_path / 'plan.py').write_text(PLAN)
    places = {'--out': 'out', '--records': 'runs', '--page': 'page.md'}
    arguments = [str(tmp_path / 'plan.py'), '--data', str(tmp_path / 'data')]
    for option, name in places.items():
        arguments += [option, str(tmp_path / name)]
    return arguments


def test_list(main, command, capsys):
    assert main([*command, '--list']) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == [
        'to do one_seed0',
        'to do two_seed0',
        '0 of 2 runs are done; how long they take, no record tells',
    ]


def test_a_page_of_nothing(main, command, tmp_path, capsys):
    assert main([*command, '--report-only']) == 0
    assert f'wrote {tmp_path}/page.md' in capsys.readouterr().out
    assert '*waiting*' in (tmp_path / 'page.md').read_text()


def test_jobs_get_what_was_typed(main, command, monkeypatch, tmp_path):
    """Options with commas and brackets, whatever comes after them."""
    module = sys.modules[main.__module__]
    begun = []

    def run_jobs(jobs, count, environment, say):
        begun.extend((job.name, job.needs, job.command) for job in jobs)
        assert (count, environment['OMP_NUM_THREADS']) == (3, '2')
        return ['one_seed0']

    monkeypatch.setattr(module, 'run_jobs', run_jobs)
    monkeypatch.setattr(module, 'make_data', lambda root, plan: None)
    options = ['train_dataloader.num_workers=2', 'a.b=[(1,2),3]']
    arguments = ['--cfg-options', *options, '--jobs', '3', '--threads', '2']
    assert main([*command, *arguments]) == 1  # as one has failed
    assert [job[:2] for job in begun] == [
        ('one_seed0', []),
        ('two_seed0', ['one_seed0']),
    ]
    typed = begun[0][2]
    assert typed[-3:] == ['--cfg-options', *options]
    assert typed[typed.index('--data') + 1] == str(tmp_path / 'data')
    assert '*waiting*' in (tmp_path / 'page.md').read_text()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--claims', 'it_hurts'], 'no claim it_hurts; there are: it_helps'),
        (['--job', 'three', '0'], "no run 'three'"),
    ],
)
def test_mistakes_are_named(main, command, capsys, options, message):
    assert main([*command, *options]) == 1
    error = capsys.readouterr().err
    assert message in error and 'Traceback' not in error


@pytest.mark.parametrize('option', ['--jobs=0', '--threads=0', '--nice=-1'])
def test_numbers_that_cannot_be(main, command, capsys, option):
    with pytest.raises(SystemExit):
        main([*command, option])
    assert 'is at least' in capsys.readouterr().err


def start(command):
    """The command in a session of its own, which a signal can reach as a whole."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return started([sys.executable, SCRIPT, *command], env=environment, stdout=None)


@pytest.mark.full
def test_what_was_stopped_and_killed_goes_on(command, tmp_path):
    """SIGTERM and later kill -9 in the middle of a training; then to the end."""
    work_dir = tmp_path / 'out/one_seed0/work_dir'
    record = tmp_path / 'runs/one_seed0.json'

    with start(command) as process:
        wait_for((work_dir / 'iter_4.pth').exists, process)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=COMMAND_LIMIT)[1]
    assert 'stopped (SIGTERM); start it again' in said
    assert process.returncode == 1 and not record.exists()

    # Nobody hears of this one. A queue's jobs have sessions of their own: here the job
    # alone is begun, so that its training is of the session that is killed.
    with start([*command, '--job', 'one', '0']) as process:
        wait_for((work_dir / 'iter_10.pth').exists, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=COMMAND_LIMIT)
    assert not record.exists()

    with start(command) as process:
        _, errors = process.communicate(timeout=3000)
    assert process.returncode == 0, errors
    log = (tmp_path / 'out/one_seed0/log.txt').read_text()
    assert log.count('Auto resumed') == 2
    content = json.loads(record.read_text())
    assert content['metrics']['AP'] is not None
    assert content['seconds']['train']['cpu'] > 0
    assert (tmp_path / 'runs/two_seed0.json').is_file()
    assert '| `two` | 1 |' in (tmp_path / 'page.md').read_text()
