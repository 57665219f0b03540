"""A frame that is lost while a set is trained on stops training, or is gone around."""

import warnings

import pytest
from data_factory import make_vis_dataset
from mmengine.registry import init_default_scope

from mmvis.datasets.sample_draws import DrawnIndex
from mmvis.registry import DATASETS

PIPELINE = [
    dict(type='RefFrameSample', frame_range=2),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadVISFrame')]),
]


def dataset_of(root, **settings):
    init_default_scope('mmvis')
    made = make_vis_dataset(root, lengths=(3, 3, 3), size=(24, 32))
    dataset = DATASETS.build(made.dataset_cfg(pipeline=PIPELINE, **settings))
    return dataset, root / made.prefix / 'video_2'


def remove(folder):
    for path in folder.iterdir():
        path.unlink()


def truncate(folder):
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:200])


def replace(folder):
    """By frames of another size."""
    other = make_vis_dataset(folder, lengths=(3,), size=(30, 40))
    [small] = (folder / other.prefix).iterdir()
    for path in sorted(small.iterdir()):
        path.replace(folder / path.name)


@pytest.mark.parametrize(
    ('damage', 'words'),
    [(remove, 'does not exist'), (truncate, 'is truncated'), (replace, 'is 40x30')],
)
def test_it_stops_or_is_gone_around(tmp_path, damage, words):
    dataset, folder = dataset_of(tmp_path, on_damage='skip')
    dataset.full_init()
    damage(folder)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        found = [dataset[DrawnIndex((1, 0), (3, 0, i))] for i in range(12)]
        again = [dataset[DrawnIndex((1, 0), (3, 0, i))] for i in range(12)]
    videos = [item['video_id'][0] for item in found]
    assert set(videos) == {1, 3}
    # Which ones come in its place is drawn as all else is.
    assert videos == [item['video_id'][0] for item in again]
    told = [str(w.message) for w in said if 'left out' in str(w.message)]
    assert len(told) == 1 and words in told[0] and 'video_2' in told[0]

    dataset.on_damage = 'stop'
    with pytest.raises((FileNotFoundError, ValueError), match=words):
        dataset[1, 0]


def test_other_errors_are_not_gone_around(tmp_path):
    dataset, _ = dataset_of(tmp_path, on_damage='skip')
    dataset.pipeline = lambda item: {}[0]
    with pytest.raises(KeyError):
        dataset[0, 0]


def test_the_key_takes_two_words(tmp_path):
    with pytest.raises(ValueError, match="'stop' or 'skip', not 'ignore'"):
        dataset_of(tmp_path, on_damage='ignore')
