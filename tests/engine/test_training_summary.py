"""What is said before a training, and what stays in the log file."""

import io
import itertools
import logging
import re
from pathlib import Path

import pytest
from toy_runner import make_runner

from mmvis.engine.hooks import training_summary_hook
from mmvis.engine.runner import VISRunner
from mmvis.engine.terminal_log import shorten_terminal


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Terminal and log file of eight iterations of three seconds."""
    clock = itertools.count(step=3.0)
    monkeypatch.setattr(training_summary_hook.time, 'monotonic', lambda: next(clock))
    hooks = dict(
        logger=dict(type='LoggerHook', interval=100),
        checkpoint=dict(type='CheckpointHook', interval=2, save_last=False),
    )
    make_runner(tmp_path, kind=VISRunner, log_level='INFO', default_hooks=hooks).train()
    (log,) = Path(tmp_path).glob('*/*.log')
    return capsys.readouterr().out, log.read_text()


def test_the_terminal_has_five_lines_for_hundreds(said):
    terminal, log = said
    before = terminal.split('Iter(train)')[0].splitlines()
    assert len(before) < 20
    assert 'System environment' in log and 'Hooks will be executed' in log
    assert 'System environment' not in terminal
    assert 'Hooks will be executed' not in terminal
    kinds = ('Model', 'Data', 'Schedule', 'Machine', 'Files')
    lines = [line for line in before if re.search(rf' ({"|".join(kinds)}): ', line)]
    assert [line.split(' - ')[-1].split(':')[0] for line in lines] == list(kinds)
    assert 'ToyModel' in lines[0] and '0 classes' in lines[0]
    assert 'Data: 4 videos of list; batches of 1.' in lines[1]
    assert '2 epochs of 4 iterations, saved every 2 epochs.' in lines[2]
    assert re.search(r'hooks are in .*\.log', lines[4])
    assert all(line in log for line in lines)


def test_time_left_is_said_after_some_iterations(said):
    terminal, _ = said
    estimates = re.findall(r'About (.*) to go: (\d+) iterations of (.*) s', terminal)
    assert estimates == [('0:00:06', '2', '3.00')]


def test_long_messages_stay_in_the_file(tmp_path):
    logger = logging.Logger('test')
    terminal, long = io.StringIO(), 'line\n' * 30
    logger.addHandler(logging.StreamHandler(terminal))
    shorten_terminal(logger)
    logger.info(long)
    assert terminal.getvalue() == f'{long}\n'  # there is no file that has it
    logger.addHandler(logging.FileHandler(tmp_path / 'a.log'))
    shorten_terminal(logger)
    shorten_terminal(logger)
    logger.info(long)
    logger.info('short')
    logger.warning(long)
    logger.warning('"FileClient" will be deprecated in future.')
    assert terminal.getvalue() == f'{long}\nshort\n{long}\n'
    log = (tmp_path / 'a.log').read_text()
    assert log.startswith(f'{long}\nshort\n{long}\n') and 'FileClient' in log
