"""Shapes, frames out of video files, and sentences for what cannot be used."""

import base64
import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import set_layouts as sets
import tool_layouts as tools
from pycocotools import mask as mask_utils
from scenes import HEIGHT, LENGTH, WIDTH, blobs, boxes, expected, found_in

from mmvis.datasets.formats import FORMATS, Options, import_annotations, shapes
from mmvis.datasets.formats.frame_folders import extract_frames
from mmvis.datasets.formats.label_studio import _percent_box
from mmvis.datasets.formats.outlines import outlines


def pixels(rle):
    return mask_utils.decode(rle).astype(bool)


def test_ellipses_have_the_pixels_whose_centres_they_hold():
    mask = pixels(shapes.ellipse((10, 8), (6, 3), 20, 24))
    for y in range(20):
        for x in range(24):
            inside = ((x + 0.5 - 10) / 6) ** 2 + ((y + 0.5 - 8) / 3) ** 2 <= 1
            assert mask[y, x] == inside
    turned = pixels(shapes.ellipse((10, 10), (6, 3), 20, 20, degrees=90))
    upright = pixels(shapes.ellipse((10, 10), (3, 6), 20, 20))
    assert (turned == upright).all()


def test_boxes_turn_clockwise_around_their_centre_or_corner():
    quarter = pixels(shapes.box(2, 4, 12, 8, 20, 20, degrees=90))
    assert (quarter == pixels(shapes.box(5, 1, 9, 11, 20, 20))).all()
    # Label Studio's around the upper left corner: from right of it to left below.
    value = dict(x=50, y=10, width=20, height=10, rotation=90)
    found = pixels(_percent_box(value, 20, 20))
    assert (found == pixels(shapes.box(8, 2, 10, 6, 20, 20))).all()


def test_patches_are_cut_at_the_border():
    whole = np.ones((4, 5), bool)
    mask = pixels(shapes.patch(whole, -2, 17, 20, 20))
    assert mask.sum() == 3 * 3 and mask[17:, :3].all()


def test_holes_are_left_out():
    outer = [(2, 2), (12, 2), (12, 12), (2, 12)]
    hole = [(4, 4), (8, 4), (8, 8), (4, 8)]
    mask = pixels(shapes.polygon_with_holes(outer, [hole], 20, 20))
    assert mask.sum() == 100 - 16 and not mask[4:8, 4:8].any()


@pytest.mark.parametrize('share', [0.2, 0.5, 0.8, 1.0])
def test_outlines_have_the_same_pixels(share):
    rng = np.random.default_rng(0)
    for height, width in ((1, 1), (1, 9), (9, 1), (7, 12), (30, 21)):
        mask = rng.random((height, width)) < share
        mask[height // 2, width // 2] = True
        found = [
            pixels(shapes.polygon(part.tolist(), height, width))
            for part in outlines(mask)
        ]
        assert (np.sum(found, axis=0) == mask).all()  # parts never overlap


def test_simple_outlines_stay_within_the_tolerance():
    y, x = np.mgrid[:80, :100]
    hole = (x - 55) ** 2 + (y - 40) ** 2 < 10**2
    ring = ((x - 50) ** 2 + (y - 40) ** 2 < 35**2) & ~hole
    ring[0, 0] = True  # too small to be simplified
    whole, lone = outlines(ring, 2.0)
    assert len(whole) < len(outlines(ring)[0]) / 4 and lone.max() == 1
    mask = pixels(shapes.polygon(whole.tolist(), 80, 100))
    mask[0, 0] = True
    wrong = np.argwhere(mask != ring)
    border = np.argwhere(ring != cv2.erode(ring.astype(np.uint8), np.ones((3, 3))))
    assert len(wrong)
    for place in wrong:
        assert np.hypot(*(border - place).T).min() <= 2 + 1


@pytest.fixture
def clip(tmp_path):
    """An mp4 of four frames, and what they are."""
    path = tmp_path / 'walk.mp4'
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), 5, (WIDTH, HEIGHT)
    )
    for number in range(LENGTH):
        writer.write(np.full((HEIGHT, WIDTH, 3), 60 * number, np.uint8))
    writer.release()
    return path


def test_frames_come_out_of_the_video_file(clip, tmp_path):
    source = tools.cvat_video(tmp_path / 'task', 'polygon')
    for image in (source / 'images').iterdir():
        image.unlink()
    out = tmp_path / 'made/train.json'
    content, notes = import_annotations(source, out, clips=[clip])
    assert any('4 frames of' in note for note in notes)
    assert found_in(out) == expected(boxes())
    names = content['videos'][0]['file_names']
    assert names == [f'walk/{n:05d}.jpg' for n in range(LENGTH)]
    for number, name in enumerate(names):
        frame = cv2.imread(str(tmp_path / 'made/frames' / name))
        assert abs(int(frame.mean()) - 60 * number) < 6
    again, notes = import_annotations(source, out, clips=[clip])
    assert again == content and not any('4 frames of' in note for note in notes)
    with pytest.raises(ValueError, match='is no video that can be read'):
        extract_frames(source / 'annotations.xml', tmp_path / 'none')
    assert not (tmp_path / 'none').exists()


def test_a_clip_whose_name_looks_like_an_address(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip.rename('12:30:45.mp4')
    assert extract_frames(Path('12:30:45.mp4'), tmp_path / 'frames') == LENGTH


def test_images_inside_of_labelmes_json(tmp_path):
    source = tools.labelme(tmp_path / 'set')
    for path in sorted((source / 'walk').glob('*.json')):
        record = json.loads(path.read_text())
        image = path.with_suffix('.jpg')
        record['imageData'] = base64.b64encode(image.read_bytes()).decode()
        record['imagePath'] = f'..\\elsewhere\\{image.name}'
        path.write_text(json.dumps(record))
        image.unlink()
    out = tmp_path / 'made/train.json'
    import_annotations(source, out)
    assert found_in(out) == expected(blobs())
    assert (tmp_path / 'made/frames/walk/00000.jpg').is_file()


def test_frames_without_a_json_are_left_out_or_not(tmp_path):
    source = tools.labelme(tmp_path / 'set')
    (source / 'walk/00001.json').unlink()
    out = tmp_path / 'train.json'
    content, _ = import_annotations(source, out)
    assert content['videos'][0]['length'] == 3
    content, _ = import_annotations(source, out, options=Options(all_frames=True))
    assert content['videos'][0]['length'] == 4
    assert all(a['segmentations'][1] is None for a in content['annotations'])


def test_what_was_written_beside_the_source_is_no_part_of_it(tmp_path):
    source = tools.labelme(tmp_path / 'set')
    first, _ = import_annotations(source, source / 'train.json')
    (source / 'empty.json').touch()
    again, _ = import_annotations(source, source / 'train.json')
    assert again == first
    assert found_in(source / 'train.json') == expected(blobs())


def test_a_project_has_a_video_a_task(tmp_path):
    text = (tools.cvat_video(tmp_path / 'one') / 'annotations.xml').read_text()
    frames = tmp_path / 'frames'
    tracks, tasks = [], []
    for number, name in ((3, 'walk'), (8, 'run')):
        blobs().write_frames(frames / name, tools.FRAMES)
        tasks.append(f'<task><id>{number}</id><name>{name}</name><size>4</size></task>')
        body = text.split('</meta>')[1].replace('</annotations>', '')
        tracks.append(body.replace('<track ', f'<track task_id="{number}" '))
    (tmp_path / 'project.xml').write_text(
        '<annotations><version>1.1</version><meta><project><tasks>'
        + ''.join(tasks)
        + '</tasks><labels><label><name>dog</name></label></labels></project></meta>'
        + ''.join(tracks)
        + '</annotations>'
    )
    out = tmp_path / 'out.json'
    content, _ = import_annotations(tmp_path / 'project.xml', out, frames=frames)
    assert [v['name'] for v in content['videos']] == ['walk', 'run']
    assert [c['name'] for c in content['categories']] == ['dog', 'cat']
    assert found_in(out) == sorted(expected(blobs()) * 2)


def test_tracks_of_a_group_are_one_object(tmp_path):
    source = tools.cvat_video(tmp_path / 'task')
    path = source / 'annotations.xml'
    text = path.read_text()
    for number in (0, 1):
        text = text.replace(f'id="{number}" label', f'group_id="3" id="{number}" label')
    path.write_text(text)
    _, notes = import_annotations(source, tmp_path / 'train.json')
    (first, one), (_, two), (_, cat) = blobs().objects.values()
    found = found_in(tmp_path / 'train.json')
    assert found == sorted(
        [(first, 0, (one | two).tobytes()), ('cat', 0, cat.tobytes())]
    )
    assert any('of the same group' in note for note in notes)


def said(source, out, **more) -> str:
    with pytest.raises((ValueError, OSError)) as raised:
        import_annotations(source, out, **more)
    assert '\n' not in str(raised.value) and not out.exists()
    return str(raised.value)


def test_what_cannot_be_used_is_one_sentence(tmp_path):
    out = tmp_path / 'out.json'
    task = tools.cvat_video(tmp_path / 'cvat')
    (task / 'images' / tools.CVAT_FRAMES[3]).unlink()
    assert 'the task has 4 frames, up to number 3, but there are 3' in said(task, out)
    xml = task / 'annotations.xml'
    good = xml.read_text()
    tools.blobs().write_frames(task / 'images', tools.CVAT_FRAMES)
    xml.write_text(good.replace('rle="', 'rle="7, '))
    assert 'track 0, frame 0: the run lengths add up to' in said(task, out)
    xml.write_text(good.replace('frame="3"', 'frame="30"'))
    assert 'has a shape in frame 30, which the task lacks' in said(task, out)
    xml.write_text(good.replace('<width>36<', '<width>72<'))
    assert 'is of frames of 72x24' in said(task, out)
    xml.write_text('<!DOCTYPE a [<!ENTITY b "c">]>' + good)
    assert 'declares entities' in said(task, out, format_name='cvat')

    set_ = tools.labelme(tmp_path / 'labelme', imageHeight=99)
    assert 'is of an image of 36x99' in said(set_, out)
    with pytest.raises(ValueError, match='does not end in a number'):
        import_annotations(
            tools.labelme(tmp_path / 'again'), out, options=Options(identity='suffix')
        )

    export = tools.label_studio_video(made(tmp_path))
    text = export.read_text().replace('"framesCount": 4', '"framesCount": 5')
    export.write_text(text)
    assert 'counts 5 frames, but there are 4' in said(export, out)

    lines = sets.mots_text(made(tmp_path)) / 'MOTS20-02/gt/gt.txt'
    lines.write_text(lines.read_text().replace('4 1000', '9 1000'))
    assert 'is in frame 9, but the frames' in said(lines.parents[2], out)
    assert 'There is no file or folder' in said(tmp_path / 'nowhere', out)
    assert 'is not of the format burst as it is documented: KeyError' in said(
        tools.coco(made(tmp_path)), out, format_name='burst'
    )


def test_where_an_id_of_mots_says_another_class_its_column_decides(tmp_path):
    found = []
    for name, first in (('right', None), ('none', 0), ('other', 7000)):
        root = sets.mots_text(made(tmp_path))
        path = root / 'MOTS20-02/gt/gt.txt'
        rows = [line.split() for line in path.read_text().splitlines()]
        for row in rows:
            if first is not None and row[1] != '10000':
                row[1] = str(first + int(row[1]) % 1000)
        path.write_text('\n'.join(map(' '.join, rows)) + '\n')
        content, _ = import_annotations(root, tmp_path / f'{name}.json')
        names = {c['id']: c['name'] for c in content['categories']}
        found.append(
            [(names[a['category_id']], a['areas']) for a in content['annotations']]
        )
    assert len(found[0]) > 1 and found[0] == found[1] == found[2]


def test_names_that_could_not_be_loaded_are_refused(tmp_path):
    for name in ('a\\b', 'c: d'):
        source = made(tmp_path)
        boxes().write_frames(source, [f'{name}.jpg'])
        tools.write_labelme(source / f'{name}.jpg', [])
        assert 'rename it' in said(source, tmp_path / 'out.json')
    source = made(tmp_path)
    odd = [f'-50% {n}\n犬: x.jpg' for n in range(4)]
    boxes().write_frames(source, odd)
    for image in odd:
        tools.write_labelme(source / image, [])
    content, _ = import_annotations(source, tmp_path / 'out.json')
    assert content['videos'][0]['file_names'] == odd


def test_the_command_lists_formats_and_names_mistakes(tmp_path, capsys):
    tool = Path(__file__).parents[3] / 'tools/dataset_tools/convert.py'
    main = runpy.run_path(str(tool))['main']
    assert main(['--list']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * len(FORMATS)
    assert [line.split()[0] for line in lines[::3]] == list(FORMATS)
    words = [str(tmp_path), '--out', str(tmp_path / 'out.json')]
    assert main([*words, '--from', 'voc']) == 1
    assert (
        "There is no format 'voc'; there are labelme, cvat" in capsys.readouterr().err
    )
    assert main(words) == 1
    assert 'is of no format that is known' in capsys.readouterr().err
    source = tools.labelme(tmp_path / 'set')
    assert main([str(source), '--out', str(tmp_path / 'out.json')]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith('format labelme: ')
    assert said[-1].endswith('1 videos, 4 frames, 3 objects, 2 categories')
    for wrong in ([], [str(tmp_path)]):
        with pytest.raises(SystemExit, match='2'):
            main(wrong)


def made(tmp_path):
    """A new folder."""
    folder = tmp_path / f'set_{len(list(tmp_path.iterdir()))}'
    folder.mkdir()
    return folder
