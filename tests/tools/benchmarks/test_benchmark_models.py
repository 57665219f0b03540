"""The benchmark's models track what is forced on them, and its parts add up."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from model_factory import clip_sample

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / 'configs' / 'tiny'
MODULES = (
    'model',
    'measuring',
    'measuring.forced_instances',
    'measuring.forced_instance_flow',
    'measuring.forced_sg_net',
    'measuring.stage_times',
    'measuring.ways_to_predict',
)


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'benchmarks'))
    yield importlib.import_module('model')
    for name in MODULES:
        sys.modules.pop(name, None)


def test_report(tool, tmp_path, capsys):
    out = tmp_path / 'report.json'
    arguments = '--objects 3 --frames 4 --chunk 2 --size 90 160 --original 180 320'
    tool.main(
        [
            str(CONFIGS / 'stmask_tiny_synthvis.py'),
            *('--against', str(CONFIGS / 'masktrack_rcnn_tiny_synthvis.py')),
            *('--variants', 'channels_last', 'fused_bn', '--threads', '1'),
            *(*arguments.split(), '--out', str(out)),
        ]
    )
    report = json.loads(out.read_text())
    assert [way['way'] for way in report['ways'][:4]] == [
        'single frames',
        'chunks of 2',
        'channels_last',
        'fused_bn',
    ]
    assert report['failed'] == {}
    for way in report['ways']:
        # All three are tracked through all frames.
        assert (way['instances'], way['ids']) == (3, 3)
    one, other = report['stages'].values()
    for result in (one, other):
        ms = result['ms']
        assert abs(sum(ms.values()) - result['total_ms']) < 1e-6
        share = 1 - result['network_ms'] / result['total_ms']
        assert result['no_network'] == pytest.approx(share)
        for stage in ('backbone', 'neck', 'head', 'NMS', 'tracker', 'upsampling'):
            assert ms[stage] > 0, stage
    # Every stage of STMask is found: a function that moved would be counted as other.
    assert all(one['ms'].values())
    assert other['ms']['prototypes'] == 0
    assert 'not the network' in capsys.readouterr().out


@pytest.mark.parametrize('blender', ['VectorBlender', 'ScalarBlender'])
@pytest.mark.parametrize('objects', [1, 12])
def test_sg_net(tool, tmp_path, blender, objects):
    config, out = tmp_path / 'config.py', tmp_path / 'report.json'
    config.write_text(
        f"_base_ = ['{CONFIGS / 'sg_net_tiny_synthvis.py'}']\n"
        f"model = dict(blender=dict(type='{blender}'))\n"
    )
    arguments = f'--objects {objects} --frames 4 --chunk 2 --size 90 160'
    tool.main(
        [str(config), *arguments.split(), '--threads', '1', '--out', str(out)],
    )
    report = json.loads(out.read_text())
    for way in report['ways']:
        assert (way['instances'], way['ids']) == (objects, objects)
    (stages,) = report['stages'].values()
    assert {name for name, ms in stages['ms'].items() if not ms} == {'temporal network'}


@pytest.mark.parametrize('name', ['tfan', 'instance_flow'])
def test_other_models(tool, tmp_path, name):
    out = tmp_path / 'report.json'
    arguments = '--objects 3 --frames 4 --chunk 2 --size 90 160 --threads 1'
    config = CONFIGS / f'{name}_tiny_synthvis.py'
    tool.main([str(config), *arguments.split(), '--out', str(out)])
    for way in json.loads(out.read_text())['ways']:
        assert (way['instances'], way['ids']) == (3, 3)


def test_wrappers_leave_nothing_behind(tool):
    import mmvis.models.common.base_vis as base_vis
    from mmvis.structures.rle import encode_masks

    args = tool.parse_args([str(CONFIGS / 'stmask_tiny_synthvis.py')])
    model = importlib.import_module('measuring.ways_to_predict').build(
        args.config, args
    )
    stopwatch = importlib.import_module('measuring.stage_times').Stopwatch()
    before = {name: set(vars(part)) for name, part in model.named_modules()}
    with tool.stage_times(model, stopwatch):
        assert base_vis.encode_masks is not encode_masks
        assert 'forward' in vars(model.backbone)
    assert base_vis.encode_masks is encode_masks
    assert before == {name: set(vars(part)) for name, part in model.named_modules()}


def test_a_segmentor_computes_its_features_once_while_it_is_timed(tool):
    config = CONFIGS / 'track_by_segmentation_tiny_synthvis.py'
    args = tool.parse_args([str(config)])
    model = importlib.import_module('measuring.ways_to_predict').build(
        args.config, args
    )
    calls = []
    model.detector.backbone.conv1.register_forward_hook(lambda *_: calls.append(1))
    stopwatch = importlib.import_module('measuring.stage_times').Stopwatch()
    sample = clip_sample(1, 1, 0, 1, (64, 96), (64, 96))
    with torch.no_grad(), tool.stage_times(model, stopwatch) as found:
        model.predict_clip(torch.zeros(1, 3, 64, 96), sample, model.init_state())
    assert len(calls) == 1
    assert {'backbone', 'head', 'tracker'} <= {*stopwatch.seconds} <= found


def test_nested_stages_are_counted_once(tool):
    readings = iter([0, 1, 3, 6, 10, 15])
    stage_times = importlib.import_module('measuring.stage_times')
    stopwatch = stage_times.Stopwatch(clock=lambda: next(readings))
    with stopwatch.stage('outer'):
        for _ in range(2):
            with stopwatch.stage('inner'):
                pass
    assert stopwatch.seconds == {'outer': 1 + 3 + 5, 'inner': 2 + 4}
