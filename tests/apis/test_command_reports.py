"""What the command says beside its files: links between them, settings that win."""

import json
from pathlib import Path

import cv2
import pycocotools.mask as mask_utils
import pytest
import torch
import video_models
from inferencers import images, write_video
from mmengine.runner.checkpoint import CheckpointLoader
from model_factory import finding_config

from mmvis.apis import VISInferencer
from mmvis.apis.command import main
from mmvis.engine.checkpoint import CheckpointError, DownloadError


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('reports')
    cfg = finding_config()
    torch.save(
        dict(state_dict=video_models.masktrack_rcnn().state_dict()), folder / 'w.pth'
    )
    cfg.dump(folder / 'c.py')
    write_video(folder / 'v.mp4', images(3))
    return folder


def run(place: Path, *words: object) -> int:
    options = ['--config', place / 'c.py', '--device', 'cpu', *words]
    return main([str(place / 'v.mp4'), *map(str, options)])


def test_results_have_the_numbers_of_masks_and_video(place, tmp_path):
    out = tmp_path / 'o.mp4'
    words = ['--weights', place / 'w.pth', '--save', 'json', 'masks', '--score', 0]
    assert run(place, *words, '--out', out) == 0
    results = json.loads((tmp_path / 'o.json').read_text())
    ids = json.loads((tmp_path / 'o_video.json').read_text())['track_ids']
    masks = (tmp_path / 'o_masks').iterdir()
    folders = {int(path.name.partition('_')[0]): path for path in masks}
    # A track without a pixel is no result, but was drawn.
    assert len(results) == len(set(ids)) > 1 and set(ids) <= set(folders)
    scores = [result['score'] for result in results]
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]
    for result, number in zip(results, ids, strict=True):
        areas = [int(mask_utils.area(m)) for m in result['segmentations'] if m]
        drawn = [
            int((cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0).sum())
            for path in sorted(folders[number].iterdir())
        ]
        assert [a for a in areas if a] == [a for a in drawn if a]


def test_a_score_that_the_model_does_not_reach_is_told(place, monkeypatch, capsys):
    build = VISInferencer.__init__

    def strict(self, *args, **kwargs):
        build(self, *args, **kwargs)
        self.model.score_thr = 0.3

    monkeypatch.setattr(VISInferencer, '__init__', strict)
    monkeypatch.chdir(place)
    for score, told in (('0.3', False), ('0.05', True)):
        assert run(place, '--weights', place / 'w.pth', '--score', score) == 0
        assert ('--score has no effect' in capsys.readouterr().err) == told


def test_numbers_are_checked_before_the_model_is_built(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for words in (['--chunk', '0'], ['--score', '2']):
        assert run(place, '--weights', 'no.pth', '--out', 'n', *words) == 1
        assert words[0][2:] in capsys.readouterr().err
    assert not Path('n').exists()


def test_weights_that_cannot_be_fetched(place, monkeypatch, capsys):
    def offline(filename, map_location=None):
        raise DownloadError('...', 'URLError: no route', filename)

    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', offline)
    assert run(place, '--weights', 'https://x.org/a.pth') == 6
    said = capsys.readouterr().err
    assert 'https://x.org/a.pth cannot be downloaded (URLError: no route)' in said
    assert '--weights FILE' in said and 'cfg-options' not in said


def test_a_checkpoint_that_is_a_list(place, tmp_path, capsys):
    torch.save([torch.zeros(1)], tmp_path / 'list.pth')
    with pytest.raises(CheckpointError, match='holds no weights by name'):
        VISInferencer(place / 'c.py', tmp_path / 'list.pth', device='cpu')


def test_compile_compiles_the_parts_that_are_there(place, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        torch.nn.Module, 'compile', lambda part, *_, **__: compiled.append(part)
    )
    inferencer = VISInferencer(
        place / 'c.py', place / 'w.pth', device='cpu', compile=True
    )
    detector = inferencer.model.detector
    assert compiled == [detector.backbone, detector.neck]
