"""Two frames written by hand, as the page on formats shows it, there and back."""

import json
import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from processes import run_bounded
from scenes import found_in

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / 'docs/en/formats.md').read_text()
SECTION = PAGE.split('### Written by hand')[1].split('\n### ')[0]
HEIGHT, WIDTH, STEP = 120, 160, 8


def block(kind: str) -> str:
    return re.search(rf'```{kind}\n(.*?)```', SECTION, re.S)[1]


def meant() -> list[tuple[str, int, bytes]]:
    """What somebody who reads the two files would paint."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    dog, cat = (np.zeros((2, HEIGHT, WIDTH), bool) for _ in range(2))
    for frame in range(2):
        moved = STEP * frame
        dog[frame] = (20 + moved <= x) & (x < 60 + moved) & (y >= 30) & (y < 90)
        cat[frame] = (x + 0.5 - 110 - moved) ** 2 + (y + 0.5 - 60) ** 2 <= 25**2
    return [('cat', 0, cat.tobytes()), ('dog', 0, dog.tobytes())]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the frames, labelme's jsons and CVAT's xml."""
    monkeypatch.chdir(tmp_path)
    folder = Path('my_set/walk')
    folder.mkdir(parents=True)
    record = json.loads(block('json'))
    for frame, image in enumerate(('00000.jpg', '00001.jpg')):
        pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        left = 20 + STEP * frame
        cv2.rectangle(pixels, (left, 30), (left + 39, 89), (30, 60, 220), -1)
        cv2.circle(pixels, (110 + STEP * frame, 60), 25, (220, 160, 20), -1)
        cv2.imwrite(str(folder / image), pixels)
        text = json.dumps(record | {'imagePath': image})
        (folder / image).with_suffix('.json').write_text(text)
        for shape in record['shapes']:  # as somebody would in the second file
            shape['points'] = [[x + STEP, y] for x, y in shape['points']]
    Path('annotations.xml').write_text(block('xml'))
    return tmp_path


def command(script: str, *words: object) -> None:
    main = runpy.run_path(str(ROOT / 'tools/dataset_tools' / script))['main']
    assert main([str(word) for word in words]) == 0, words


def there_and_back(ann_file: Path, frames: Path, *more: object) -> None:
    """Out to both tools and in again: the same objects to the bit."""
    for name, out in (('labelme', 'out_labelme'), ('cvat', 'out.xml')):
        out, back = f'{ann_file.stem}_{out}', f'{ann_file.stem}_{name}.json'
        words = [ann_file, '--to', name, '--out', out, '--frames', frames]
        command('export.py', *words, *more)
        command('convert.py', out, '--frames', frames, '--out', back)


def test_the_files_of_the_page_are_the_same_in_both_formats(place):
    for line in block('bash').splitlines():
        _, script, *words = shlex.split(line)
        command(Path(script).name, *words)
    files = [Path('my_set/train.json'), Path('of_cvat.json')]
    for path in files:
        assert found_in(path) == meant()
        there_and_back(path, Path('my_set'))
        for name in ('labelme', 'cvat'):
            assert found_in(Path(f'{path.stem}_{name}.json')) == meant()


MISTAKES = [
    ('xml', ' label="dog"', '', r'track 0 has no label="'),
    ('xml', 'frame="1" points', 'points', r'<polygon>, is damaged: it has no frame'),
    ('xml', ';60,30;', ' 60,30 ', r'points are "x,y;x,y;...", not "20,30 60,30'),
    ('xml', ' rx="25"', '', r'track 1, <ellipse>, is damaged: it has no rx="'),
    ('xml', '</track>', '', r"annotations.xml' is not xml: mismatched tag"),
    ('json', '"label": "dog", ', '', r'shape 0, a polygon, has no "label"'),
    ('json', '[[20, 30], ', '[20, 30, ', r'are not \[\[x, y\], \[x, y\], \.\.\.\]'),
    ('json', '"group_id": 1, ', '', r"first a 'dog'\) say not which object"),
    ('json', '"group_id": 1, ', '"group_id": 1 ', r'is not json: Expecting'),
]


@pytest.mark.parametrize(('kind', 'wrote', 'instead', 'said'), MISTAKES)
def test_slips_of_the_hand_are_one_sentence(kind, wrote, instead, said, place, capsys):
    path = Path('annotations.xml' if kind == 'xml' else 'my_set/walk/00000.json')
    assert wrote in block(kind)
    path.write_text(block(kind).replace(wrote, instead, 1))
    convert = ROOT / 'tools/dataset_tools/convert.py'
    source = path if kind == 'xml' else 'my_set'
    words = [str(source), '--frames', 'my_set', '--out', 'out.json']
    assert runpy.run_path(str(convert))['main'](words) == 1
    told = capsys.readouterr().err
    assert re.search(said, told) and told.count('\n') == 1
    assert not Path('out.json').exists()


def test_what_is_forgiven_is_told(place, capsys):
    text = block('xml').replace('20,90"', '20,90;"')  # a semicolon at the end
    text = text.replace('cx="110"', 'cx="910"')
    text = text.replace('frame="1" points', 'frame="0" points')
    Path('annotations.xml').write_text(text)
    words = ['annotations.xml', '--frames', 'my_set', '--out', 'out.json']
    command('convert.py', *words)
    said = capsys.readouterr().out
    assert 'track 0 has two shapes in frame 0: the last counts' in said
    assert "1 mask without a pixel left out, first of a 'cat' in 'walk/00000" in said


@pytest.mark.full
def test_a_model_is_trained_and_tested_on_them_and_corrected(place):
    """A few iterations; the predictions come back from both tools to the bit."""
    root = place / 'data/my_set'
    images = root / 'train/JPEGImages'
    images.mkdir(parents=True)
    (place / 'my_set/walk').rename(images / 'walk')
    command('convert.py', images, '--out', root / 'instances.json')
    assert found_in(root / 'instances.json') == meant()
    environment = os.environ | {'OMP_NUM_THREADS': '1'}
    for program in ('train', 'test'):
        words = [sys.executable, ROOT / f'tools/{program}.py']
        words += [ROOT / 'configs/tiny/stmask_tiny_videos.py']
        if program == 'test':
            words += ['work_dirs/stmask_tiny_videos/iter_5.pth']
            words += ['--out', 'results.json']
        words += ['--cfg-options', f'data_root={root}/']
        if program == 'train':
            words += ['train_cfg.max_iters=5', 'train_cfg.val_interval=5']
        done = run_bounded(words, cwd=place, env=environment, limit=1200)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        if program == 'train':
            assert 'made for 2 classes' in done.stdout and 'eta: ' in done.stdout
            assert len(done.stdout.splitlines()) < 40
    score = sorted(r['score'] for r in json.loads(Path('results.json').read_text()))
    lowest = score[-10:][0]  # ten of them are enough
    more = ['--results', 'results.json', '--score', lowest]
    there_and_back(root / 'instances.json', images, *more)
    command(
        'export.py',
        root / 'instances.json',
        '--to',
        'youtube-vis',
        '--out',
        'predicted.json',
        *more,
    )
    predicted = found_in(Path('predicted.json'))
    assert len(predicted) >= 5
    for name in ('labelme', 'cvat'):
        assert found_in(Path(f'instances_{name}.json')) == predicted
