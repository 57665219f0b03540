"""The doctor finds what was broken on purpose, and nothing in what works."""

import pytest
import torch

from mmvis.apis.doctor import command, machine, networks, operators, packages
from mmvis.apis.doctor.finding import BAD, OK

CPU = torch.device('cpu')


@pytest.fixture
def report(capsys):
    """The code and the lines of the report."""

    def run(*words: str) -> tuple[int, list[str]]:
        return command.main(list(words)), capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def one_network(monkeypatch):
    monkeypatch.setattr(
        networks, 'small_configs', lambda: ['masktrack_rcnn_tiny_synthvis']
    )


def test_a_working_installation(report, one_network):
    code, lines = report('--device', 'cpu')
    assert code == 0 and not [line for line in lines if line.startswith('BAD')]
    text = '\n'.join(lines)
    for word in ('operators', 'masktrack_rcnn', 'GiB free', torch.__version__):
        assert word in text
    assert lines[-1].startswith('Everything works.')


def test_every_model_has_a_small_config():
    found = {name.removesuffix('_tiny_synthvis') for name in networks.small_configs()}
    assert found >= {'stmask', 'sg_net', 'tfan', 'instance_flow', 'masktrack_rcnn'}
    assert 'track_by_segmentation' in found


def test_two_lines_of_releases(report, monkeypatch):
    real = packages.version_of
    both = {'mmcv': '2.1.0', 'onedl-mmcv': '2.3.6'}
    monkeypatch.setattr(packages, 'version_of', lambda n: both.get(n) or real(n))
    code, lines = report('--quick')
    assert code == 1
    [line] = [line for line in lines if line.startswith('BAD')]
    assert 'mmcv 2.1.0 and onedl-mmcv 2.3.6 overwrite each other' in line


def test_missing_releases_end_before_anything_is_imported(report, monkeypatch):
    def fail() -> None:
        raise ImportError('mmvis needs mmcv, which is not installed. Run: pip x')

    def no_import() -> None:
        raise AssertionError('it went on')

    monkeypatch.setattr(packages, 'check_installation', fail)
    monkeypatch.setattr(operators, 'look_at_imports', no_import)
    code, lines = report()
    assert code == 1 and any('releases' in li and 'Run: pip x' in li for li in lines)


def test_operators_that_do_not_load(report, monkeypatch):
    def fail() -> None:
        raise ImportError('undefined symbol: _ZN2at')

    monkeypatch.setattr(operators, 'check_dependencies', fail)
    code, lines = report()
    assert code == 1
    [line] = [line for line in lines if line.startswith('BAD')]
    assert 'operators' in line and 'undefined symbol' in line


def test_one_broken_model_does_not_end_the_report(monkeypatch):
    names = ['no_such_tiny_synthvis', 'masktrack_rcnn_tiny_synthvis']
    monkeypatch.setattr(networks, 'small_configs', lambda: names)
    verdicts = {f.subject: f.verdict for f in networks.look_at_networks(CPU)}
    assert verdicts == {'no_such': BAD, 'masktrack_rcnn': OK}


def test_operators_agree_with_themselves():
    findings = list(operators.compare_operators(CPU))
    assert len(findings) == 6
    assert {f.verdict for f in findings} == {OK}, findings


@pytest.mark.parametrize(
    ('wrong', 'expected'),
    [
        (lambda out: out * 1.01, BAD),  # as if computed in another way
        (lambda out: out + 1e-6, OK),
        (lambda out: out[..., :-1], BAD),
        (lambda out: out * float('nan'), BAD),
    ],
)
def test_a_wrong_operator_is_found(monkeypatch, wrong, expected):
    """The second call of each comparison stands for the GPU's."""
    calls = []

    def operator(x: torch.Tensor) -> torch.Tensor:
        calls.append(x)
        return wrong(x.square()) if len(calls) == 2 else x.square()

    table = {'square': (operator, [torch.linspace(-1, 2, 12).view(3, 4)])}
    monkeypatch.setattr(operators, '_operators', lambda: table)
    found = {f.subject: f.verdict for f in operators.compare_operators(CPU)}
    assert found['square'] == expected


def test_correlation_is_a_sum_of_products():
    first, second = torch.randn(2, 1, 3, 4, 5)
    found = operators.correlate(first, second)
    assert found.shape == (1, 5, 5, 4, 5)
    # Displaced by one down and two to the left; outside of the map is zero.
    expected = (first[0, :, 1, 3] * second[0, :, 2, 1]).sum()
    torch.testing.assert_close(found[0, 3, 0, 1, 3], expected)
    assert found[0, 4, 2, 3].abs().max() == 0


def test_memory_is_bounded_by_a_container(monkeypatch):
    whole = machine.available_memory()
    if whole is None:
        pytest.skip('no /proc/meminfo here')
    read = machine.Path.read_text
    limits = {'memory.max': '1000000', 'memory.current': '400000'}
    monkeypatch.setattr(
        machine.Path, 'read_text', lambda path: limits.get(path.name) or read(path)
    )
    assert machine.available_memory() == 600000
