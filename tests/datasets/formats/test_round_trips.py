"""Out and in again: masks are the same to the bit, where a format can hold them."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from data_factory import make_annotation, make_vis_dataset
from scenes import found_in

from mmvis.datasets.formats import import_annotations
from mmvis.datasets.formats.registry import FORMATS
from mmvis.datasets.formats.writers import WRITERS, export_annotations
from mmvis.structures import read_annotation_file

TOOLS = Path(__file__).parents[3] / 'tools/dataset_tools'
# An object a pixel: what lies behind is cut.
FLAT = ('mots', 'davis')


@pytest.fixture(scope='module')
def vis_set(tmp_path_factory):
    """Two videos; one object comes and goes, one is a crowd; none overlap."""
    made = make_vis_dataset(
        tmp_path_factory.mktemp('set'),
        categories=((4, 'giant panda'), (9, 'dog & <cat>')),
        nulls={1: (0, 2)},
        suffix='.jpg',
    )
    crowd = np.zeros((3, 48, 64), bool)
    crowd[:, :3, 5:11] = True
    assert not (crowd & (made.masks[3] | made.masks[4])).any()
    made.content['annotations'].append(
        make_annotation(crowd, id=5, video_id=2, category_id=4, iscrowd=1)
    )
    made.write()
    return made


def exported(vis_set, tmp_path, name):
    out = tmp_path / {'youtube-vis': 'a.json', 'coco': 'a.json'}.get(name, 'a')
    content = read_annotation_file(str(vis_set.ann_file))
    return out, export_annotations(content, out, name, vis_set.root / vis_set.prefix)


def back(vis_set, source, tmp_path):
    """All that was read, of a folder of tasks one by one."""
    sources = sorted(source.glob('*.xml')) if source.is_dir() else []
    found = []
    for number, one in enumerate(sources or [source]):
        out = tmp_path / f'back_{number}.json'
        frames = vis_set.root / vis_set.prefix
        import_annotations(one, out, frames=frames)
        found += found_in(out)
    return sorted(found)


@pytest.mark.parametrize('name', WRITERS)
def test_masks_come_back_to_the_bit(name, vis_set, tmp_path):
    assert name in FORMATS
    out, notes = exported(vis_set, tmp_path, name)
    assert notes == []
    before, after = found_in(vis_set.ann_file), back(vis_set, out, tmp_path)
    if name == 'davis':  # crowds are void there
        before = [found for found in before if not found[1]]
    if name == 'mots':  # and regions of all classes here
        crowds = [(c, 1, pixels) for c, crowd, pixels in after if crowd]
        assert {c for c, _, _ in crowds} == {'giant panda', 'dog & <cat>'}
        after = [found for found in after if found not in crowds]
        before = [found for found in before if not found[1]]
        assert {pixels for *_, pixels in crowds} == {
            pixels for _, crowd, pixels in found_in(vis_set.ann_file) if crowd
        }
    assert after == before and len(after) >= 4


@pytest.mark.parametrize('name', WRITERS)
def test_of_overlapping_masks_the_smaller_one_stays_whole(name, tmp_path):
    made = make_vis_dataset(tmp_path / 'set', lengths=(2,), objects=1, suffix='.jpg')
    around = made.masks[1].copy()
    around[:, 10:40, 10:50] = True
    inside = np.zeros_like(around)
    inside[:, 20:30, 20:30] = True
    made.content['annotations'] = [
        make_annotation(mask, id=n, video_id=1, category_id=1, iscrowd=0)
        for n, mask in ((3, around), (7, inside))
    ]
    made.write()
    out, notes = exported(made, tmp_path, name)
    found = [pixels for *_, pixels in back(made, out, tmp_path)]
    if name in FLAT:
        assert f'{inside.sum()} pixels are in several masks' in notes[0]
        assert sorted(found) == sorted([(around & ~inside).tobytes(), inside.tobytes()])
    else:
        assert notes == []
        assert sorted(found) == sorted([around.tobytes(), inside.tobytes()])


def test_official_lists_are_run_lengths(vis_set, tmp_path):
    out, _ = exported(vis_set, tmp_path, 'youtube-vis')
    for annotation in json.loads(out.read_text())['annotations']:
        for mask in filter(None, annotation['segmentations']):
            assert sum(mask['counts']) == 48 * 64
            assert all(type(run) is int for run in mask['counts'])


def test_predictions_are_written_for_correction(vis_set, tmp_path, capsys):
    main = runpy.run_path(str(TOOLS / 'export.py'))['main']
    results = [
        dict(
            video_id=track['video_id'],
            category_id=track['category_id'],
            score=score,
            segmentations=track['segmentations'],
        )
        for track, score in zip(
            vis_set.content['annotations'], (0.9, 0.2, 0.8, 0.31, 0.1), strict=True
        )
    ]
    (tmp_path / 'results.json').write_text(json.dumps(results))
    words = [vis_set.ann_file, '--results', tmp_path / 'results.json']
    words += ['--to', 'coco', '--out', tmp_path / 'coco.json']
    assert main([str(w) for w in words]) == 0
    assert '2 videos, 3 objects' in capsys.readouterr().out
    wanted = sorted(
        found
        for found in found_in(vis_set.ann_file)
        if found[2] in {vis_set.masks[n].tobytes() for n in (1, 3, 4)}
    )
    assert back(vis_set, tmp_path / 'coco.json', tmp_path) == wanted
    written = json.loads((tmp_path / 'coco.json').read_text())['annotations']
    assert {a['score'] for a in written} == {0.9, 0.8, 0.31}


def test_mistakes_of_the_command(vis_set, tmp_path, capsys):
    main = runpy.run_path(str(TOOLS / 'export.py'))['main']
    words = [str(vis_set.ann_file), '--to', 'davis', '--out']
    assert main([*words, str(vis_set.root)]) == 1
    assert 'is there and not empty: name a new folder' in capsys.readouterr().err
    words[2] = 'cvat'
    assert main([*words, str(tmp_path / 'a.xml')]) == 1
    assert 'is a task of one video; there are 2' in capsys.readouterr().err
    bare = tmp_path / 'bare.json'
    bare.write_text(json.dumps({**vis_set.content, 'annotations': None}))
    assert main([str(bare), '--to', 'coco', '--out', str(tmp_path / 'b.json')]) == 1
    assert 'has no annotations: give --results' in capsys.readouterr().err
