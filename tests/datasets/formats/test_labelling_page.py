"""The commands of the page on labelling, one after another."""

import json
import os
import re
import runpy
import shlex
import shutil
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from processes import run_bounded
from scenes import HEIGHT, LENGTH, WIDTH, boxes, expected, found_in
from tool_layouts import cvat_video

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / 'docs/en/labelling.md').read_text()


def commands() -> list[list[str]]:
    blocks = re.findall(r'```bash\n(.*?)```', TEXT, re.S)
    lines = '\n'.join(blocks).replace('\\\n', ' ').splitlines()
    return [shlex.split(line) for line in lines if line]


def exported_zip(path: Path, xml: Path) -> None:
    """What CVAT's export is."""
    with zipfile.ZipFile(path, 'w') as archive:
        archive.write(xml, 'annotations.xml')


@pytest.fixture
def place(tmp_path):
    """Two clips, and the first one labelled with key frames."""
    for name in ('tools', 'configs'):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / 'clips').mkdir()
    for name in ('walk', 'run'):
        writer = cv2.VideoWriter(
            str(tmp_path / f'clips/{name}.mp4'),
            cv2.VideoWriter_fourcc(*'mp4v'),
            5,
            (WIDTH, HEIGHT),
        )
        for number in range(LENGTH):
            writer.write(np.full((HEIGHT, WIDTH, 3), 60 * number, np.uint8))
        writer.release()
    task = cvat_video(tmp_path / 'task', 'polygon', every=9)
    exported_zip(tmp_path / 'walk.zip', task / 'annotations.xml')
    return tmp_path


def results_of(ann_file: Path, path: Path) -> None:
    """Results as good as the labels."""
    results = [
        dict(
            video_id=a['video_id'],
            category_id=a['category_id'],
            score=0.9,
            segmentations=a['segmentations'],
        )
        for a in json.loads(ann_file.read_text())['annotations']
    ]
    path.write_text(json.dumps(results))


def check(place: Path) -> None:
    """What the loop leaves behind: the first clip as it was labelled."""
    assert (place / 'errors.html').stat().st_size > 0
    assert (place / 'seen/contact_sheet.png').is_file()
    assert found_in(place / 'data/my_set/walk.json') == expected(boxes())
    assert (place / 'labelme/walk/00000.json').is_file()
    names = json.loads((place / 'data/my_set/instances.json').read_text())['videos']
    assert [v['file_names'][0] for v in names] == ['walk/00000.jpg', 'run/00000.jpg']


def test_the_loop_around_what_the_model_says(place, monkeypatch):
    """The model's own steps are left out; what they leave behind is as labelled."""
    monkeypatch.chdir(place)
    kinds = []
    for program, *words in commands():
        kinds.append(words[0] if program in ('python', 'mim') else program)
        if program == 'mv':
            shutil.move(*words)
        elif words[:2] == ['-m', 'mmvis']:
            Path('prelabelled').mkdir()
            shutil.copy('task/annotations.xml', 'prelabelled/run_cvat_tracks.xml')
            exported_zip(Path('run.zip'), Path('prelabelled/run_cvat_tracks.xml'))
        elif words[:2] == ['test', 'mmvis']:
            results_of(Path('data/my_set/instances.json'), Path('results.json'))
        elif program == 'python':
            script = runpy.run_path(words[0])
            if script['main'].__code__.co_argcount:
                assert script['main'](words[1:]) == 0, words
            else:
                monkeypatch.setattr(sys, 'argv', words)
                assert not script['main']()
    assert kinds.count('train') == kinds.count('test') == kinds.count('-m') == 1
    check(place)
    both = expected(boxes()) * 2
    found = found_in(place / 'data/my_set/corrected.json')
    assert found == found_in(place / 'data/my_set/instances.json') == sorted(both)


@pytest.mark.full
def test_all_commands_run_in_order(place):
    environment = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    environment['OMP_NUM_THREADS'] = '1'
    for program, *words in commands():
        first = [program]
        if program == 'python':
            first = [sys.executable]
        elif program == 'mim':
            first = [sys.executable, '-c', 'from mim.cli import cli; cli()']
        if words[:2] == ['train', 'mmvis']:
            words += ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
        done = run_bounded([*first, *words], cwd=place, env=environment, limit=1800)
        assert done.returncode == 0, f'{words}\n{done.stdout[-3000:]}{done.stderr}'
        if words[:2] == ['train', 'mmvis']:
            weights = place / 'work_dirs/stmask_tiny_videos/iter_2.pth'
            shutil.move(weights, weights.with_name('iter_1700.pth'))
        if words[:2] == ['-m', 'mmvis']:
            exported_zip(place / 'run.zip', place / 'prelabelled/run_cvat_tracks.xml')
    check(place)
