"""Out and in again: masks are the same to the bit, where a format can hold them."""

import json
import runpy
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from data_factory import VISSet, make_annotation, make_vis_dataset
from odd_files import ODD_FILES
from scenes import blobs, expected, found_in
from set_layouts import youtube_vis
from tool_layouts import cvat_video, labelme

from mmvis.datasets.formats import cvat, import_annotations, recognised
from mmvis.datasets.formats.registry import FORMATS
from mmvis.datasets.formats.writers import WRITERS, export_annotations
from mmvis.datasets.frame_files import natural_order
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


@pytest.fixture(scope='module')
def ragged_set(tmp_path_factory):
    """Objects of many parts, with holes; one comes and goes."""
    root = tmp_path_factory.mktemp('ragged')
    source = youtube_vis(root)
    return VISSet(root, source, '', json.loads(source.read_text()), {})


def exported(vis_set, tmp_path, name, tolerance=None):
    out = tmp_path / {'youtube-vis': 'a.json', 'coco': 'a.json'}.get(name, 'a')
    content = read_annotation_file(str(vis_set.ann_file))
    frames = vis_set.root / vis_set.prefix
    return out, export_annotations(content, out, name, frames, tolerance)


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


FILES = [name for name in WRITERS if name != 'fiftyone']  # which is a database
WAYS = [(name, None) for name in FILES] + [('cvat', 0.0), ('labelme', 0.0)]


@pytest.mark.parametrize(('name', 'tolerance'), WAYS)
def test_masks_come_back_to_the_bit(name, tolerance, vis_set, tmp_path):
    assert name in FORMATS
    out, notes = exported(vis_set, tmp_path, name, tolerance)
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


@pytest.mark.parametrize('tolerance', [None, 0.0])
def test_a_folder_of_tasks_of_cvat_comes_back_at_once(tolerance, vis_set, tmp_path):
    out, _ = exported(vis_set, tmp_path, 'cvat', tolerance)
    made = tmp_path / 'all.json'
    frames = vis_set.root / vis_set.prefix
    content, notes = import_annotations(out, made, frames=frames)
    assert "2 files in '" in notes[0] and len(content['videos']) == 2
    assert found_in(made) == found_in(vis_set.ann_file)
    first, _ = sorted(out.glob('*.xml'))
    (out / 'z.xml').write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match=r"z\.xml' both have a video '"):
        import_annotations(out, made, frames=frames)
    for stray in ('<other/>', '<annotations><ver'):
        (out / 'z.xml').write_text(stray)
        with pytest.raises(ValueError, match='of no format that is known'):
            import_annotations(out, made, frames=frames)
    first.rename(out / 'annotations.xml')
    content, notes = import_annotations(out, made, frames=frames)
    assert len(content['videos']) == 1
    assert any('alone is read, not the 2 other xml' in note for note in notes)


def test_xml_of_something_else_is_not_read_on(tmp_path, monkeypatch):
    """Beside labelme's files: the first tells, even where it is damaged."""
    labelme(tmp_path / 'set')
    (tmp_path / 'set/notes.xml').write_text('<annotation><size>')
    (tmp_path / 'set/others.xml').write_text('<annotation/>')
    seen = []
    read = cvat.read_xml
    monkeypatch.setattr(
        cvat, 'read_xml', lambda path: seen.append(path.name) or read(path)
    )
    assert recognised(tmp_path / 'set')[0].name == 'labelme'
    assert seen == ['notes.xml']


@pytest.mark.parametrize('name', FILES)
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


@pytest.mark.parametrize('name', ['cvat', 'labelme'])
@pytest.mark.parametrize('tolerance', [None, 0.0])
def test_ragged_masks_come_back_to_the_bit(name, tolerance, ragged_set, tmp_path):
    out, _ = exported(ragged_set, tmp_path, name, tolerance)
    assert back(ragged_set, out, tmp_path) == expected(blobs())


def test_fewer_points_cost_some_pixels_which_is_told(tmp_path):
    made = make_vis_dataset(tmp_path / 'set', lengths=(3,), objects=2, suffix='.jpg')
    (first, [told]), (exact, silence) = (
        exported(made, tmp_path / f'{tolerance}', 'cvat', tolerance)
        for tolerance in (1.0, 0.0)
    )
    assert silence == []
    found, whole = back(made, first, tmp_path), back(made, exact, tmp_path)
    pixels = [np.frombuffer(p, bool) for *_, p in (*found, *whole)]
    changed = sum(
        int((a != b).sum()) for a, b in zip(pixels[:2], pixels[2:], strict=True)
    )
    assert f' {changed} of {sum(int(p.sum()) for p in pixels[2:])} pixels' in told
    assert 0 < changed < 0.1 * (pixels[2].sum() + pixels[3].sum())
    points = [
        path.read_text().count(',') for path in (*first.iterdir(), *exact.iterdir())
    ]
    assert points[0] < points[1] / 2


def as_cvat_exports(written: Path, form: str) -> str:
    """What CVAT makes of masks that were uploaded to a task of a video.

    As shapes they keep their group. Frames of a video have names of CVAT's own, without
    a suffix. For video a shape is a track that ends in the next frame, which is written
    if it is not the last one.
    """
    root = ElementTree.parse(written).getroot()
    ElementTree.SubElement(root.find('meta'), 'dumped').text = '2026-01-01 00:00:00'
    images = root.findall('image')
    for number, image in enumerate(images):
        image.set('name', f'frame_{number:06d}')
        if form == 'images':
            continue
        root.remove(image)
        for mask in image:
            about = dict(label=mask.attrib.pop('label'), source='file')
            group = mask.attrib.pop('group_id')
            track = ElementTree.SubElement(root, 'track', about, group_id=group)
            frames = [number, number + 1] if number + 1 < len(images) - 1 else [number]
            for frame in frames:
                outside = str(int(frame > number))
                more = dict(frame=str(frame), outside=outside, keyframe='1')
                ElementTree.SubElement(track, 'mask', {**mask.attrib, **more})
    return ElementTree.tostring(root, 'unicode')


@pytest.mark.parametrize('form', ['images', 'video'])
def test_masks_come_back_from_a_task_of_a_video(form, ragged_set, tmp_path):
    out, _ = exported(ragged_set, tmp_path, 'cvat')
    (written,) = out.iterdir()
    written.write_text(as_cvat_exports(written, form))
    assert back(ragged_set, out, tmp_path) == expected(blobs())


def test_a_shape_in_the_last_frame_but_one_is_no_track_to_the_end(tmp_path):
    task = cvat_video(tmp_path / 'task', 'box', size=False)
    box = '<box frame="2" outside="0" keyframe="1" xtl="1" ytl="2" xbr="5" ybr="6"/>'
    lengths = []
    for dumped in ('', '<dumped>2026-01-01 00:00:00</dumped>'):
        text = f'<annotations><meta>{dumped}</meta><track id="0" label="dog">{box}'
        (task / 'annotations.xml').write_text(f'{text}</track></annotations>')
        import_annotations(task, tmp_path / 'out.json')
        ((_, _, pixels),) = found_in(tmp_path / 'out.json')
        lengths.append(np.frombuffer(pixels, bool).sum() // 16)
    assert lengths == [2, 1]  # CVAT's exports have all frames of a track


ORDERLY = ('youtube-vis', 'coco', 'cvat')


@pytest.mark.parametrize('name', FILES)
def test_odd_names_go_to_and_fro(name, tmp_path):
    """Newlines, colons, percent signs and a leading dash; then in no order, too."""
    made = ODD_FILES['odd_names'].make(tmp_path)
    frames = made.root / made.prefix
    names = made.content['videos'][0]['file_names']
    for number, odd in enumerate(names):  # MOTS takes frames by a number at the end
        stem, suffix = odd.rsplit('.', 1)
        names[number] = f'{stem} {number}.{suffix}'
        (frames / odd).rename(frames / names[number])
    for order, told in ((natural_order, 0), (lambda n: natural_order(n[::-1]), 1)):
        made.content['videos'][0]['file_names'] = sorted(names, key=order)
        made.write()
        place = tmp_path / f'{told}'
        place.mkdir()
        out, notes = exported(made, place, name)
        assert len(notes) == (told and name not in ORDERLY)
        if not told or name in ORDERLY:
            assert back(made, out, place) == found_in(made.ann_file)
    assert not notes or 'not in the order of their names' in notes[0]


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
    words[2] = 'coco'
    assert main([*words, str(tmp_path / 'a.json'), '--polygons']) == 1
    assert 'polygons are for labelme and cvat' in capsys.readouterr().err
    bare = tmp_path / 'bare.json'
    bare.write_text(json.dumps({**vis_set.content, 'annotations': None}))
    assert main([str(bare), '--to', 'coco', '--out', str(tmp_path / 'b.json')]) == 1
    assert 'has no annotations: give --results' in capsys.readouterr().err
