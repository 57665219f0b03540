"""Data sets of FiftyOne and supervision, by stand-ins of their classes.

FiftyOne 1.22 and supervision 0.31 take the same calls.
"""

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from data_factory import make_vis_dataset

from mmvis.datasets.formats.writers import (
    export_annotations,
    fiftyone_samples,
    supervision_dataset,
)
from mmvis.structures import read_annotation_file


class Label(SimpleNamespace):
    """Any of FiftyOne's: fields by name, further ones by index."""

    def __setitem__(self, key, value):
        setattr(self, key, value)


class Sample(Label):
    def __init__(self, filepath, **fields):
        kind = 'video' if filepath.endswith('.mp4') else 'image'
        super().__init__(filepath=filepath, media_type=kind, frames={}, **fields)


class ConfigError(Exception):
    pass


class Dataset(SimpleNamespace):
    made: dict = {}

    def __init__(self, name, persistent):
        if name == 'no database':
            raise ConfigError('MongoDB could not be installed')
        super().__init__(samples=[], views={}, persistent=persistent)
        self.made[name] = self

    def add_samples(self, samples):
        self.samples += samples

    def group_by(self, field, order_by):
        return field, order_by

    def save_view(self, name, view):
        self.views[name] = view


@pytest.fixture
def fiftyone(monkeypatch):
    package = ModuleType('fiftyone')
    package.Detection = package.Detections = package.Frame = Label
    package.Sample, package.Dataset = Sample, Dataset
    package.dataset_exists = lambda name: name in Dataset.made
    package.core = SimpleNamespace(
        config=SimpleNamespace(FiftyOneConfigError=ConfigError)
    )
    monkeypatch.setattr(Dataset, 'made', {})
    monkeypatch.setitem(sys.modules, 'fiftyone', package)
    return package


@pytest.fixture(scope='module')
def vis_set(tmp_path_factory):
    return make_vis_dataset(
        tmp_path_factory.mktemp('set'), nulls={1: (0,)}, crowds=(4,), suffix='.jpg'
    )


def pixels(detection, height=48, width=64):
    """The mask of a detection, as FiftyOne shows it."""
    x, y, w, h = (
        side * n
        for side, n in zip(detection.bounding_box, (width, height) * 2, strict=True)
    )
    mask = np.zeros((height, width), bool)
    rows, columns = (slice(round(a), round(a + b)) for a, b in ((y, h), (x, w)))
    mask[rows, columns] = detection.mask
    return mask


def test_samples_of_frames_have_every_pixel(fiftyone, vis_set):
    content = read_annotation_file(str(vis_set.ann_file))
    frames = vis_set.root / vis_set.prefix
    samples = fiftyone_samples(content, frames)
    assert [s.frame_number for s in samples] == [1, 2, 3, 4, 1, 2, 3]
    assert all(Path(s.filepath).is_file() for s in samples)
    assert samples[0].video != samples[4].video
    seen = dict.fromkeys(vis_set.masks, 0)
    for sample in samples:
        for detection in sample.ground_truth.detections:
            masks = vis_set.masks[detection.index]
            assert (pixels(detection) == masks[sample.frame_number - 1]).all()
            assert detection.label == ('disc', 'box')[detection.index % 2]
            assert hasattr(detection, 'iscrowd') == (detection.index == 4)
            assert not hasattr(detection, 'confidence')
            seen[detection.index] += 1
    assert seen == {1: 3, 2: 4, 3: 3, 4: 3}


def test_a_clip_is_a_sample_of_frames(fiftyone, vis_set):
    content = read_annotation_file(str(vis_set.ann_file))
    for track in content.annotations:
        track['score'] = 0.25
    folders = [Path(v['file_names'][0]).parent.name for v in content.videos]
    clips = [f'clips/{folder}.mp4' for folder in folders]
    samples = fiftyone_samples(content, clips=clips)
    assert [Path(s.filepath).name for s in samples] == [Path(c).name for c in clips]
    assert [list(s.frames) for s in samples] == [[1, 2, 3, 4], [1, 2, 3]]
    shown = samples[1].frames[2].predictions.detections
    assert [d.index for d in shown] == [3, 4] and shown[0].confidence == 0.25
    assert (pixels(shown[0]) == vis_set.masks[3][1]).all()
    with pytest.raises(ValueError, match=r'none of .* --frames, or the file with'):
        fiftyone_samples(content, clips=clips[:1])
    with pytest.raises(ValueError, match='of images or of videos'):
        export_annotations(content, 'mixed', 'fiftyone', vis_set.root, clips=clips[:1])


def test_the_command_makes_a_data_set_that_stays(fiftyone, vis_set, capsys):
    tool = Path(__file__).parents[3] / 'tools/dataset_tools/export.py'
    main = runpy.run_path(str(tool))['main']
    words = [str(vis_set.ann_file), '--to', 'fiftyone', '--out', 'my set']
    words += ['--frames', str(vis_set.root / vis_set.prefix)]
    assert main(words) == 0
    assert 'fiftyone app launch my set' in capsys.readouterr().out
    made = Dataset.made['my set']
    assert made.persistent and len(made.samples) == 7
    assert made.views == {'videos': ('video', 'frame_number')}
    for name, said in (('my set', 'has a data set'), ('no database', 'MongoDB')):
        words[4] = name
        assert main(words) == 1
        error = capsys.readouterr().err
        assert said in error and error.count('\n') == 1


def test_a_missing_package_is_one_sentence(vis_set, monkeypatch, capsys):
    tool = Path(__file__).parents[3] / 'tools/dataset_tools/export.py'
    main = runpy.run_path(str(tool))['main']
    monkeypatch.setitem(sys.modules, 'fiftyone', None)
    assert main([str(vis_set.ann_file), '--to', 'fiftyone', '--out', 'a']) == 1
    error = capsys.readouterr().err
    assert 'needs the package fiftyone: pip install fiftyone' in error
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ImportError, match='pip install supervision'):
        supervision_dataset(read_annotation_file(str(vis_set.ann_file)), '.')


def test_supervision_gets_all_frames_by_their_files(vis_set, monkeypatch):
    package = ModuleType('supervision')
    package.Detections = lambda **fields: fields
    package.DetectionDataset = lambda classes, images, annotations: annotations
    monkeypatch.setitem(sys.modules, 'supervision', package)
    content = read_annotation_file(str(vis_set.ann_file))
    found = supervision_dataset(content, vis_set.root / vis_set.prefix)
    assert len(found) == 7 and all(Path(file).is_file() for file in found)
    first, second, *_ = found.values()
    assert first['tracker_id'].tolist() == [2]
    assert (second['mask'] == [vis_set.masks[n][1] for n in (1, 2)]).all()
    assert second['class_id'].tolist() == [0, 1]
