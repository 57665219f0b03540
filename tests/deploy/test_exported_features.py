"""Networks of an export inside of models whose further steps are PyTorch's."""

import copy
import json

import pytest
import torch
import video_models
from exported_models import TorchFile, loaded, pipeline, same_tracks, written
from inferencers import images
from model_factory import tiny_config, tiny_model

from mmvis.apis import VISInferencer
from mmvis.apis.exported_features import (
    rebuilt,
    use_networks,
    with_tuples,
    without_tuples,
)
from mmvis.apis.video_session import Preparation, VideoSession
from mmvis.deploy.command import main as export
from mmvis.deploy.describing import describe
from mmvis.deploy.features import flat, structure
from mmvis.deploy.networks import plan_export
from mmvis.deploy.writing import example_frame
from mmvis.runtime.errors import ExportedModelError

MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'sg_net': video_models.sg_net,
    'tfan': video_models.tfan,
    'instance_flow': video_models.instance_flow,
    'instance_flow_scales': lambda: video_models.instance_flow('scales'),
    'track_by_segmentation': video_models.track_by_segmentation,
}
STEPS = pipeline((160, 96))


def session(model):
    return VideoSession(model, Preparation(STEPS, model), tuple('abcdefgh'))


def with_networks(model, size=(96, 160)):
    """A copy of a model whose networks torch runs as if they were of a file."""
    plan = plan_export(model, example_frame(96, 160))
    file = TorchFile(describe(loaded(model, STEPS), plan, size), plan.parts)
    file.path = 'x.onnx'
    return twin_of(model, file), file


def twin_of(model, file):
    """A copy of a model whose networks are those of a file."""
    twin = copy.copy(model)
    twin.__dict__ = dict(model.__dict__, _modules=dict(model._modules))
    if 'inter_frame_head' in twin._modules:
        twin._modules['inter_frame_head'] = copy.deepcopy(model.inter_frame_head)
    use_networks(twin, file)
    return twin


@pytest.mark.parametrize('name', MODELS)
def test_the_same_tracks(name):
    model = MODELS[name]()
    twin, file = with_networks(model)
    frames = images(4)
    one, other = session(model).steps(frames), session(twin).steps(frames)
    assert same_tracks(one, other, 1e-3) > 4
    assert ('inter' in file.about['parts']) == (name == 'instance_flow')
    # Through json a nested tuple is what it was.
    feats = model.extract_test_feat(example_frame(96, 160))
    again = rebuilt(json.loads(json.dumps(structure(feats))), iter(flat(feats)))
    assert type(again) is type(feats) and structure(again) == structure(feats)


def test_a_video_of_another_size():
    twin, _ = with_networks(video_models.masktrack_rcnn())
    with pytest.raises(ExportedModelError, match=r'of 96 x 160 px.* 160 x 96'):
        session(twin).steps(images(1, (160, 96)))


def test_tuples_stay_tuples():
    given = dict(scale=(160, 96), steps=[dict(a=[1, (2, [3])]), ()], name='x')
    again = with_tuples(json.loads(json.dumps(without_tuples(given))))
    assert again == given


def test_a_file_that_names_other_code():
    with pytest.raises(ExportedModelError, match=r'names os\.system'):
        rebuilt(['os.system', [None]], iter([torch.zeros(1)]))


@pytest.mark.full
@pytest.mark.parametrize('name', MODELS)
def test_a_long_video_by_onnx_runtime(tmp_path, name):
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    model = MODELS[name]()
    twin = twin_of(model, written(model, STEPS, tmp_path))
    frames = images(60)
    one, other = session(model).steps(frames), session(twin).steps(frames)
    # A pixel whose soft mask is one half goes either way.
    assert same_tracks(one, other, 1e-3) > 60


@pytest.mark.full
def test_a_video_by_a_file(tmp_path, monkeypatch, capsys):
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    monkeypatch.chdir(tmp_path)
    cfg = tiny_config()
    torch.save(dict(state_dict=tiny_model(cfg).state_dict()), 'w.pth')
    cfg.test_dataloader.dataset.pipeline[0].transforms[1].scale = (160, 96)
    cfg.dump('c.py')
    assert export(['c.py', '--weights', 'w.pth', '--out', 'm.onnx']) == 0
    assert 'wrote m.heads.pth' in capsys.readouterr().out
    left = torch.load('m.heads.pth')['state_dict']
    assert any(name.startswith('detector.roi_head') for name in left)
    assert not any('backbone' in name and w.ndim == 4 for name, w in left.items())
    frames = images(20)
    one = VISInferencer('c.py', 'w.pth', device='cpu').session().steps(frames)
    other = VISInferencer('m.onnx').session().steps(frames)
    assert same_tracks(one, other, 1e-3) > 50
    # The rest of another export does not fit.
    torch.save(dict(state_dict=left, meta=dict(export_id='x')), 'm.heads.pth')
    with pytest.raises(ExportedModelError, match='of another export'):
        VISInferencer('m.onnx')
