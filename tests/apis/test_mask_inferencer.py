"""Masks of files get ids that hold, by the command too, without torch."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from inferencers import write_folder
from processes import run_bounded

from mmvis.apis import MaskInferencer, open_detections
from mmvis.apis.command import main
from mmvis.apis.errors import DetectionsError
from mmvis.evaluation import check_submission
from mmvis.structures.rle import encode_masks

SIZE, FRAMES = (64, 120), 8


def scene(t: int) -> tuple[np.ndarray, np.ndarray]:
    """A red and a blue square that pass each other: image, and masks (2, h, w)."""
    masks = np.zeros((2, *SIZE), bool)
    masks[0, 5:25, 10 + 9 * t : 30 + 9 * t] = True
    masks[1, 35:55, 90 - 9 * t : 110 - 9 * t] = True
    image = np.full((*SIZE, 3), 90, np.uint8)
    image[masks[0]], image[masks[1]] = (20, 20, 220), (220, 20, 20)
    return image, masks


def results(first: int) -> list[dict]:
    """COCO's results; the second square comes first in odd frames."""
    found = []
    for t in range(FRAMES):
        rows = [0, 1] if t % 2 == 0 else [1, 0]
        for row in rows:
            (rle,) = encode_masks(scene(t)[1][row : row + 1])
            rle['counts'] = rle['counts'].decode()
            found.append(
                dict(
                    image_id=t + first,
                    category_id=3 + 4 * row,
                    score=0.9,
                    segmentation=rle,
                )
            )
    return found


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    write_folder(tmp_path / 'v', [scene(t)[0] for t in range(FRAMES)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def colours_of(video) -> list[set]:
    """Labels or places of each id: the top row of its masks."""
    tops: dict[int, set] = {}
    for result in video.frames:
        for track, box in zip(result.ids.tolist(), result.bboxes, strict=True):
            tops.setdefault(track, set()).add(int(box[1]))
    return [tops[track] for track in sorted(tops)]


@pytest.mark.parametrize('first', [0, 1])
def test_coco_results_by_number(place, first):
    Path('r.json').write_text(json.dumps(results(first)))
    video = MaskInferencer('r.json')('v')
    assert colours_of(video) == [{5}, {35}]
    assert [t['category_id'] for t in video.to_youtube_vis()] == [3, 7]


def test_coco_annotations_by_the_names_of_images(place):
    content = dict(
        images=[dict(id=100 - t, file_name=f'{t}.jpg') for t in range(FRAMES)],
        categories=[dict(id=7, name='blue'), dict(id=3, name='red')],
        annotations=[
            dict(result, image_id=100 - result['image_id']) for result in results(0)
        ],
    )
    Path('r.json').write_text(json.dumps(content))
    video = MaskInferencer('r.json')('v')
    assert colours_of(video) == [{5}, {35}]
    assert video.frames[3].class_names == ('red', 'blue')
    assert video.frames[3].names == ['blue', 'red']


def test_classes_without_names_are_called_by_their_ids(place):
    """In files of all kinds: nothing else in them says which is which."""
    Path('r.json').write_text(json.dumps(results(0)))
    words = ['v', '--detections', 'r.json', '--out', 'o.mp4']
    kinds = ['json', 'csv', 'mots', 'masks', 'cvat']
    assert main([*words, '--save', *kinds]) == 0
    rows = [line.split(',') for line in Path('o.csv').read_text().splitlines()[1:]]
    assert {(row[2], row[5]) for row in rows} == {('3', '5'), ('7', '35')}  # at the top
    tracks = json.loads(Path('o.json').read_text())
    assert [track['category_id'] for track in tracks] == [3, 7]
    about = json.loads(Path('o_video.json').read_text())
    assert about['categories'] == [dict(id=3, name='3'), dict(id=7, name='7')]
    mots = [line.split() for line in Path('o_mots.txt').read_text().splitlines()]
    assert {(line[1], line[2]) for line in mots} == {('1', '3'), ('2', '7')}
    folders = sorted(folder.name for folder in Path('o_masks').iterdir())
    assert folders == ['0000_3', '0001_7']
    assert 'label="7"' in Path('o_cvat.xml').read_text()


def test_classes_are_chosen_by_their_ids(place, capsys):
    Path('r.json').write_text(json.dumps(results(0)))
    words = ['v', '--detections', 'r.json', '--save', 'csv', '--out', 'o', '--classes']
    assert main([*words, '7']) == 0
    rows = [line.split(',') for line in Path('o/v.csv').read_text().splitlines()[1:]]
    assert {row[2] for row in rows} == {'7'} and len(rows) == FRAMES
    assert main([*words, '1']) == 1  # the number of a label, which nobody knows of
    assert "There is no class '1'; those are 3, 7." in capsys.readouterr().err


def test_a_class_that_not_all_videos_have(place, capsys):
    """Those without it have files without tracks; the others do not suffer."""
    Path('r.json').write_text(json.dumps(results(0)))
    few = [result for result in results(0) if result['category_id'] == 3]
    Path('few.json').write_text(json.dumps(few))
    Path('none.json').write_text('[]')
    files = ['few.json', 'none.json', 'r.json']
    words = ['v'] * 3 + [word for file in files for word in ('--detections', file)]
    words += ['--save', 'csv', 'json', '--quiet', '--out', 'o', '--classes']
    assert main([*words, '7']) == 0
    lines = [len(p.read_text().splitlines()) for p in sorted(Path('o').rglob('*.csv'))]
    assert lines == [1, 1, 1 + FRAMES]
    Path('o').rename('before')
    assert main([*words, '5']) == 1  # before the first is looked at
    assert "There is no class '5'; those are 3, 7." in capsys.readouterr().err
    assert not Path('o').exists()
    words = ['v', '--detections', 'none.json', '--save', 'csv', '--out', 'o']
    assert main([*words, '--classes', '7']) == 0


def say_nothing_of(frames: set[int], first: int = 0) -> None:
    """r.json without the results of some frames."""
    kept = [r for r in results(first) if r['image_id'] - first not in frames]
    Path('r.json').write_text(json.dumps(kept))


def test_masks_that_may_be_of_other_frames(place, monkeypatch):
    """Nothing is refused: detectors find nothing, and videos are cut."""
    words = ['v', '--detections', 'r.json', '--save', 'csv', '--out', 'o']
    told: list[str] = []
    monkeypatch.setattr('mmvis.apis.mask_inferencer.warn', told.append)

    def said(*more: str) -> str:
        told.clear()
        assert main([*words, *more]) == 0
        return ''.join(told)

    for nothing, first in (set(), 0), (set(), 1), ({FRAMES - 1}, 0), ({0}, 1):
        say_nothing_of(nothing, first)
        assert said() == ''
    # 1 to 7 of eight frames: from 0, or from 1?
    say_nothing_of({0})
    assert 'r.json has no image_id 0, so that 1 is taken' in said()
    told.clear()
    MaskInferencer('r.json')('v')
    assert len(told) == 1
    assert said('--continue') == ''
    assert said('--stop', '4') == ''  # of a part nothing is known
    Path('r.json').write_text(json.dumps(results(2)))
    assert 'an image_id 9, but the video has 8 frames' in said()
    Path('r.json').write_text('[]')
    assert said() == ''
    images = [dict(id=t, file_name=f'{t}.jpg') for t in range(FRAMES + 1)]
    content = dict(images=images, categories=[], annotations=[])
    Path('r.json').write_text(json.dumps(content))
    assert 'r.json has 9 images, but the video has 8 frames' in said()
    Path('r.json').unlink()
    Path('r.json').mkdir()  # of label images
    for t in range(FRAMES - 1):
        cv2.imwrite(f'r.json/{t}.png', scene(t)[1][0].astype(np.uint8))
    assert 'r.json has 7 PNGs, but the video has 8 frames' in said()
    cv2.imwrite('r.json/9.png', scene(0)[1][0].astype(np.uint8))
    assert said() == ''


def test_label_images_whose_values_mean_nothing(place):
    Path('labels').mkdir()
    for t in range(FRAMES):
        masks = scene(t)[1]
        values = (1, 2) if t % 2 else (9, 4)
        image = masks[0] * values[0] + masks[1] * values[1]
        cv2.imwrite(f'labels/{t}.png', image.astype(np.uint8))
    found = colours_of(MaskInferencer('labels')('v'))
    assert sorted(found, key=min) == [{5}, {35}]


def test_the_command_takes_them_without_torch(place):
    Path('r.json').write_text(json.dumps(results(1)))
    code = (
        'import sys; from mmvis.apis.command import main\n'
        'code = main(["v", "--detections", "r.json", "--save", "mp4", "json", "csv"])\n'
        'print(code, {"torch", "mmdet", "mmcv", "mmengine"} & set(sys.modules))'
    )
    done = run_bounded([sys.executable, '-c', code])
    assert done.stdout.endswith('0 set()\n'), done.stderr
    assert check_submission('v_mmvis/v.json', 'v_mmvis/v_video.json') == []
    lines = Path('v_mmvis/v.csv').read_text().splitlines()
    assert len(lines) == 1 + 2 * FRAMES


def one(**changed) -> str:
    """A json of one result, whose mask is nowhere."""
    return json.dumps([dict(image_id=1, category_id=1, segmentation=[]) | changed])


def about(what: str, **entry) -> str:
    """An annotation file of no masks, with an image or a category."""
    return json.dumps({'annotations': [], what: [entry]})


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('{', 'is no json'),
        ('{}', 'neither a list of COCO results'),
        ('[{"image_id": 1}]', 'result 0 has no category_id, segmentation'),
        (
            '[{"image_id": "a.jpg", "category_id": 1, "segmentation": []}]',
            'no number of a frame',
        ),
        (
            '[{"image_id": 1, "category_id": 1, "segmentation": '
            '{"size": [4, 4], "counts": [16]}}]',
            r'result 0, of frame 0: the RLE is of size \[4, 4\], not \[64, 120\]',
        ),
        ('[7]', 'result 0 is no object, but 7'),
        (one(category_id='dog'), "the category_id 'dog', which is no whole number"),
        (one(category_id=[1]), r'the category_id \[1\], which is no whole number'),
        (one(category_id=True), 'the category_id True, which is no whole number'),
        (one(image_id=[1]), r'the image_id \[1\], which is no number of a frame'),
        (one(score=None), 'the score None, which is no finite number'),
        (one(score=float('nan')), 'the score nan, which is no finite number'),
        ('{"annotations": null}', 'its annotations are no list'),
        (about('images', id=1), r'images\[0\] has no file_name'),
        (about('images', id=[1], file_name='a'), r'images\[0\] has the id \[1\]'),
        (about('categories', id=1), r'categories\[0\] has no name'),
        (about('categories', id='dog', name='dog'), "the id 'dog', which is no whole"),
    ],
)
def test_what_is_wrong_is_said(place, content, words, capsys):
    Path('r.json').write_text(content)
    with pytest.raises(DetectionsError, match=words):
        MaskInferencer('r.json')('v')
    assert main(['v', '--detections', 'r.json', '--out', 'o']) == 8
    assert capsys.readouterr().err.startswith('mmvis: error: r.json')


def test_folders_and_arguments(place, capsys):
    Path('empty').mkdir()
    with pytest.raises(DetectionsError, match=r'has no \.png'):
        open_detections('empty')
    with pytest.raises(DetectionsError, match='does not exist'):
        open_detections('none.json')
    both = ['--config', 'c.py', '--detections', 'r.json']
    for words, said in (([], 'is needed\n'), (both, 'is needed, not both\n')):
        with pytest.raises(SystemExit, match='2'):
            main(['v', *words])
        said = f'either --config or --detections {said}'
        assert capsys.readouterr().err.endswith(said)
