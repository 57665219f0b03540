"""Files of an export: from the command to a video's tracks, and what can be wrong."""

import json
import re

import numpy as np
import pytest
import torch
import video_models
from exported_models import same_tracks, stmask_config
from inferencers import images, write_folder

from mmvis.apis import VISInferencer
from mmvis.apis.command import main as predict
from mmvis.deploy.command import main as export
from mmvis.deploy.exporting import export_model
from mmvis.runtime.errors import ExportedModelError, MissingOperatorError
from mmvis.runtime.model_file import FORMAT
from mmvis.runtime.networks import _said

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A config, its weights, and frames of a video."""
    folder = tmp_path_factory.mktemp('export')
    stmask_config().dump(folder / 'c.py')
    state = video_models.stmask().state_dict()
    meta = dict(dataset_meta=dict(classes=tuple('abcdefgh')))
    torch.save(dict(state_dict=state, meta=meta), folder / 'w.pth')
    write_folder(folder / 'v', images(8))
    return folder


@pytest.mark.full
def test_a_video_by_an_export(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert export(['c.py', '--weights', 'w.pth', '--out', 'x/m.onnx']) == 0
    said = capsys.readouterr().out
    parts = ('x/m.onnx', 'x/m.kept.onnx', 'x/m.temporal.onnx')
    assert all(f'wrote {name}' in said for name in parts)
    for name in parts:
        entries = onnx.load(name).metadata_props
        told = {entry.key: entry.value for entry in entries}
        assert json.loads(told['size']) == [96, 160]
        assert json.loads(told['classes']) == [*'abcdefgh']

    frames = images(60)
    one = VISInferencer('c.py', 'w.pth', device='cpu')
    other = VISInferencer('x/m.onnx')
    assert other.class_names == tuple('abcdefgh')
    found = other.session().steps(frames)
    assert same_tracks(one.session().steps(frames), found, 1e-4) > 100

    assert predict(['v', '--config', 'x/m.onnx', '--out', 'seen', '--score', '0']) == 0
    assert {p.name for p in (place / 'seen').iterdir()} >= {'v.mp4', 'v.json'}


@pytest.mark.full
def test_frames_of_any_size(place, monkeypatch):
    monkeypatch.chdir(place)
    export_model('c.py', 'w.pth', 'any.onnx', dynamic=True)
    one = VISInferencer('c.py', 'w.pth', device='cpu')
    other = VISInferencer('any.onnx')
    for size in ((96, 160), (160, 96), (70, 200)):
        frames = images(6, size)
        found = other.session().steps(frames)
        assert same_tracks(one.session().steps(frames), found, 1e-4) > 3


@pytest.mark.full
def test_half_precision_has_stated_bounds(place, monkeypatch):
    monkeypatch.chdir(place)
    full, half = (
        export_model('c.py', 'w.pth', f'{name}.onnx', half=name == 'half')
        for name in ('full', 'half')
    )
    assert half[0].stat().st_size < 0.6 * full[0].stat().st_size
    frames = images(1)
    one, other = (
        VISInferencer(path).session().steps(frames)[0] for path in (full[0], half[0])
    )
    # Few detections are at a threshold: the first frame has the same ones.
    assert one.labels.tolist() == other.labels.tolist()
    np.testing.assert_allclose(one.scores, other.scores, atol=0.02)
    np.testing.assert_allclose(one.bboxes, other.bboxes, atol=1.0)
    assert (one.masks != other.masks).sum() <= 0.05 * one.masks.sum()


@pytest.mark.full
def test_a_program_of_torch(place, monkeypatch):
    monkeypatch.chdir(place)
    files = export_model('c.py', 'w.pth', 'm.pt2', format='torch-export')
    program = torch.export.load(files[0]).module()
    frame = torch.randn(1, 3, 96, 160, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = program(frame)
        expected = video_models.stmask().extract_feat(frame)
    torch.testing.assert_close(found[0], expected.outputs.deltas, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[5], expected.prototypes, atol=1e-4, rtol=1e-4)


def tiny_file(path, metadata=None, op='Relu', domain=''):
    """A network of one node."""
    info = [onnx.helper.make_tensor_value_info(n, 1, [1]) for n in ('frames', 'y')]
    node = onnx.helper.make_node(op, ['frames'], ['y'], domain=domain)
    graph = onnx.helper.make_graph([node], 'g', info[:1], info[1:])
    opsets = [onnx.helper.make_opsetid('', 20), onnx.helper.make_opsetid('other', 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
    return path


def about(**changes):
    known = dict(
        format=FORMAT, mmvis='0.0.1', model='STMask', export_id='a', settings={}
    )
    return {'mmvis': json.dumps(known | changes)}


@pytest.mark.parametrize(
    ('file', 'error', 'words'),
    [
        (dict(), ExportedModelError, 'was not written by "python -m mmvis export"'),
        (
            dict(metadata=about(format=FORMAT + 1)),
            ExportedModelError,
            'exported by mmvis 0.0.1 .* export it again',
        ),
        (
            dict(metadata=about(model='SOLO')),
            ExportedModelError,
            'of a SOLO, which this version of mmvis does not run',
        ),
        (
            dict(metadata=about(), op='DeformConv2', domain='other'),
            MissingOperatorError,
            'needs the operator DeformConv2, which this runtime',
        ),
    ],
)
def test_files_that_cannot_be_run(tmp_path, file, error, words):
    path = tiny_file(tmp_path / 'x.onnx', **file)
    with pytest.raises(error, match=words):
        VISInferencer(path)


def test_openvino_says_which_operator_it_lacks():
    # What OpenVINO 2026.4 says.
    error = RuntimeError(
        'Exception from src/inference/src/cpp/core.cpp:84:\nFrontEnd API failed\n'
        "Model wasn't fully converted.\nSummary:\n"
        '-- No conversion rule found for operations: DeformConv-20\n'
        '-- Conversion is failed for: Conv-20\n'
    )
    said = _said('x.onnx', error, 'OpenVINO 2026.4')
    assert isinstance(said, MissingOperatorError)
    words = r'operator DeformConv, .*OpenVINO 2026.4.* --deformable GridSample'
    assert re.search(words, str(said))


def test_parts_of_two_exports(tmp_path):
    settings = dict(
        head={}, coefficient_activation=None, temporal=dict(coder={}), tracker={}
    )
    preparation = dict(
        scale=None, keep_ratio=True, to_rgb=True, divisor=32, mean=[0], std=[1]
    )
    known = dict(settings=settings, preparation=preparation, size=None)
    known |= dict(classes=None, category_ids=None)
    path = tiny_file(tmp_path / 'x.onnx', about(**known))
    with pytest.raises(ExportedModelError, match=r'x.temporal.onnx is missing'):
        VISInferencer(path)
    tiny_file(tmp_path / 'x.temporal.onnx', about(export_id='b'))
    with pytest.raises(ExportedModelError, match='of another export'):
        VISInferencer(path)


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (dict(half=True), 'export it with --half .* or take device openvino'),
        (dict(checkpoint='w.pth'), 'takes no checkpoint'),
        (dict(device='tpu'), 'cpu, cuda, cuda:N or openvino, not tpu'),
    ],
)
def test_what_an_exported_model_does_not_take(tmp_path, arguments, words):
    path = tiny_file(tmp_path / 'x.onnx', about())
    with pytest.raises(ValueError, match=words):
        VISInferencer(path, **arguments)
    with pytest.raises(ExportedModelError, match=r'no.onnx does not exist'):
        VISInferencer(tmp_path / 'no.onnx')


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['--out', 'x.pt2'], 'ends in .onnx'),
        (['--format', 'torch-export', '--half'], 'Only ONNX files'),
        (['--cfg-options', 'model.bbox_head.test_cfg.nms.type=soft_nms'], 'soft_nms'),
    ],
)
def test_what_cannot_be_exported(place, monkeypatch, capsys, options, words):
    monkeypatch.chdir(place)
    assert export(['c.py', '--weights', 'w.pth', *options]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count('\n') == 1
