"""The demo's order, what it says at the end, and what a second start does."""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / 'tools/demo.py'


def load_demo():
    spec = importlib.util.spec_from_file_location('demo_script', DEMO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demo with its commands recorded, not run, and a score of our choice."""
    module = load_demo()
    module.score, module.calls, module.ends_at = 0.5, [], None
    out = tmp_path / 'seen'

    def run(self, title, script, *args, save=None):
        module.calls.append((script, [str(a) for a in args]))
        self.seconds[title] = 1.0
        if script == module.ends_at:
            raise KeyboardInterrupt
        if script == 'train.py':
            last = f'iter_{module.ITERATIONS}.pth'
            leave_checkpoint(out, last)
        if script.endswith('eval_results.py'):
            (out / 'demo_ap.json').write_text(json.dumps({'AP50': module.score}))
            assert save == out / 'demo_ap.txt'

    def start(*more):
        module.calls.clear()
        monkeypatch.setattr(sys, 'argv', ['demo.py', '--out', str(out), *more])
        return module.main()

    monkeypatch.setattr(module.Steps, 'run', run)
    module.start, module.out = start, out
    return module


def leave_checkpoint(out, name):
    (out / 'work_dir').mkdir(exist_ok=True)
    (out / 'work_dir' / name).touch()
    (out / 'work_dir' / 'last_checkpoint').write_text(f'/elsewhere/{name}')


def scripts(demo):
    return [script.rsplit('/')[-1] for script, _ in demo.calls]


def test_success_names_the_files_and_the_score(demo, capsys):
    assert demo.start() == 0
    said = capsys.readouterr().out
    assert '0.500' in said
    for name in ('ap.txt', '.mp4', 'sheet.jpg', 'curves.png'):
        assert str(demo.out / 'demo') + ('' if name[0] == '.' else '_') + name in said
    assert all((DEMO.parent / script).is_file() for script, _ in demo.calls)
    # The first picture comes before the training, the others after the test.
    steps = ['browse.py', 'train.py', 'test.py', 'render_results.py']
    assert [script for script in scripts(demo) if script in steps] == steps
    tested = dict(demo.calls)['test.py']
    assert str(demo.out / f'work_dir/iter_{demo.ITERATIONS}.pth') in tested
    assert f'data_root={demo.out}/synth_vis_tiny/' in tested


@pytest.mark.parametrize('score', [0.14, None, float('nan')])
def test_a_low_score_is_said_to_be_wrong(demo, capsys, score):
    demo.score = score
    assert demo.start() == 1
    assert 'something is wrong' in capsys.readouterr().out


def test_a_short_training_may_have_a_low_score(demo):
    demo.score = 0.01
    assert demo.start('--iterations', '40') == 0


def test_an_interrupted_run_goes_on(demo, capsys):
    demo.ends_at = 'train.py'
    assert demo.start() == 130
    said = capsys.readouterr().err
    assert 'Interrupted. The same command goes on' in said and said.count('\n') <= 2
    leave_checkpoint(demo.out, 'iter_150.pth')
    demo.ends_at = 'test.py'
    assert demo.start() == 130
    assert '--resume' in dict(demo.calls)['train.py']
    assert 'iter_150.pth' in capsys.readouterr().out
    # Trained to the end, nothing of that is done again.
    demo.ends_at = None
    assert demo.start() == 0
    assert 'train.py' not in scripts(demo)
    assert demo.start() == 0


def test_other_settings_are_not_mixed_in(demo):
    assert demo.start() == 0
    for words in (['--seed', '1'], ['--train', '9'], ['--cfg-options', 'a=1']):
        with pytest.raises(SystemExit, match=r'other settings \((seed|train|cfg_opt)'):
            demo.start(*words)
        assert demo.calls == []
    # As of an earlier version, which left no settings.
    (demo.out / 'settings.json').unlink()
    with pytest.raises(SystemExit, match='remove it, or give another folder'):
        demo.start()


def test_a_place_that_is_none(demo):
    demo.out.touch()
    with pytest.raises(SystemExit, match='seen cannot be written to'):
        demo.start()


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """The demo's way to run things, with tools of ours."""
    module = load_demo()
    monkeypatch.setattr(module, 'TOOLS', tmp_path)
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    (tmp_path / 'threads.py').write_text(
        'import os, sys\nprint("é", os.environ["OMP_NUM_THREADS"], *sys.argv[1:])'
    )
    (tmp_path / 'fails.py').write_text('raise SystemExit(3)')
    return module.Steps(threads=2)


def test_steps_have_the_threads_that_were_asked_for(steps, tmp_path, capfd):
    saved = tmp_path / 'said.txt'
    steps.run('Count', 'threads.py', 'a b', 1, save=saved)
    assert saved.read_text(encoding='utf-8') == 'é 2 a b 1\n'
    said = capfd.readouterr().out
    assert "threads.py 'a b' 1\n" in said and saved.read_text('utf-8') in said
    assert list(steps.seconds) == ['Count']


def test_a_failing_step_stops_it(steps):
    with pytest.raises(SystemExit, match=r'"Draw it" failed with exit code 3'):
        steps.run('Draw it', 'fails.py')


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_a_sentence_and_leaves_nothing_running(tmp_path, sent):
    command = [sys.executable, str(DEMO), '--out', str(tmp_path / 'seen')]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        try:
            until = time.monotonic() + 300
            while not list((tmp_path / 'seen').rglob('*.png')):
                assert time.monotonic() < until
                time.sleep(0.1)
            process.send_signal(sent)
            # Returns when no child holds the pipes.
            printed, said = process.communicate(timeout=120)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert 'Make the SynthVIS videos' in printed
    assert said.strip().endswith('The same command goes on from here.')
    assert 'Traceback' not in said
