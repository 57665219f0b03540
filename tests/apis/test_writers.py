"""What each kind of file says, against the masks that went in."""

import base64
import csv
import json
import re
import shutil
import tracemalloc
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from processes import run_bounded
from pycocotools import mask as mask_utils
from video_reader import read_video

from mmvis.apis.frames import FrameSource
from mmvis.apis.outputs import VideoOutputs
from mmvis.apis.requests import KINDS
from mmvis.apis.video_result import VideoResult
from mmvis.apis.writers.results import ResultsFile
from mmvis.apis.writers.track_folders import folder_name
from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks, rle_to_bbox

NAMES = ('person', '</script><b>dog', 'cat')
needs_chromium = pytest.mark.skipif(
    shutil.which('chromium') is None, reason='there is no Chromium'
)
SIZE, FRAMES, DAMAGED = (61, 83), 6, 3


def frame(t: int) -> tuple[np.ndarray, FrameResult]:
    """Two squares that overlap, 4 better than 7, and from frame 2 on a third one."""
    masks = np.zeros((3 if t >= 2 else 2, *SIZE), bool)
    masks[0, 5:25, 10 + t : 30 + t] = True
    masks[1, 15:35, 20 + t : 40 + t] = True
    if len(masks) == 3:
        masks[2, 50:, 70:] = True
    image = np.full((*SIZE, 3), 30 * t, np.uint8)
    rles = encode_masks(masks)
    label = 1 if t == 0 else 0  # of most frames it is a person
    return image, FrameResult(
        t,
        SIZE,
        rle_to_bbox(rles),
        [0.9, 0.5, 0.7][: len(masks)],
        [label, 1, 2][: len(masks)],
        [4, 7, 9][: len(masks)],
        rles,
        NAMES,
    )


def write(out: Path, *kinds: str) -> VideoResult:
    source = FrameSource()
    source.name = 'a<b>'
    video = VideoResult(source, NAMES, category_ids=(11, 12, 13))
    outputs = VideoOutputs(out, kinds, video, fps=5)
    for t in range(FRAMES):
        if t == DAMAGED:
            video.skip(t, 'damaged')
            outputs.repeat()
            continue
        image, result = frame(t)
        video.add(result)
        outputs.write(image, result)
    outputs.close()
    return video


def good_frames() -> list[int]:
    return [t for t in range(FRAMES) if t != DAMAGED]


def test_csv_has_every_instance(tmp_path):
    path = write(tmp_path, 'csv').files['csv']
    with path.open(newline='') as file:
        lines = list(csv.DictReader(file))
    assert sorted({int(line['frame']) for line in lines}) == good_frames()
    assert len(lines) == 2 * 2 + 3 * 3
    last = {int(line['id']): line for line in lines[-3:]}
    assert last[9]['class'] == 'cat' and last[4]['score'] == '0.9000'
    box = [int(last[4][key]) for key in ('x', 'y', 'width', 'height', 'area')]
    assert box == [15, 5, 20, 20, 400]
    assert [int(last[9][key]) for key in ('x', 'width', 'area')] == [70, 13, 143]


def test_cvat_has_every_mask_of_a_track_under_its_class(tmp_path):
    root = ElementTree.parse(write(tmp_path, 'cvat').files['cvat']).getroot()
    assert root.findtext('meta/task/size') == str(FRAMES)
    labels = [label.text for label in root.iterfind('meta/task/labels/label/name')]
    assert not root.findall('track')  # which CVAT has of polygons and boxes alone
    squares = {'person': (5, 10, 1), '</script><b>dog': (15, 20, 1), 'cat': (50, 70, 0)}
    shown: dict[str, dict] = {name: {} for name in squares}
    groups = set()
    for image in root.iterfind('image'):
        for mask in image:
            shown[mask.get('label')][int(image.get('id'))] = mask
            groups.add((mask.get('label'), mask.get('group_id')))
    assert len(groups) == len({group for _, group in groups}) == 3
    assert set(labels) >= set(squares)
    for name, masks in shown.items():
        top, left, step = squares[name]
        assert list(masks) == [t for t in good_frames() if t >= 2 or step]
        for t, mask in masks.items():
            assert int(mask.get('top')) == top
            assert int(mask.get('left')) == left + step * t
            width, height = int(mask.get('width')), int(mask.get('height'))
            assert mask.get('rle') == f'0, {width * height}'


def test_cvat_tracks_are_polygons_and_end_where_nothing_is_seen(tmp_path):
    written = write(tmp_path, 'cvat-tracks').files['cvat-tracks']
    tracks = ElementTree.parse(written).getroot().findall('track')
    assert [t.get('label') for t in tracks] == ['person', 'cat', '</script><b>dog']
    for track in tracks:
        shown = [int(p.get('frame')) for p in track if p.get('outside') == '0']
        first = 2 if track.get('label') == 'cat' else 0
        assert shown == [t for t in good_frames() if t >= first]
        gone = [int(p.get('frame')) for p in track if p.get('outside') == '1']
        assert gone == [DAMAGED]
        assert all(p.get('points').count(';') == 3 for p in track)  # squares


def test_mots_gives_a_pixel_to_the_best_alone(tmp_path):
    lines = write(tmp_path, 'mots').files['mots'].read_text().splitlines()
    assert len(lines) == 13
    seen: dict[int, list] = {}
    for line in lines:
        t, track, category, height, width, counts = line.split(' ')
        assert (int(height), int(width)) == SIZE
        mask = mask_utils.decode(dict(size=list(SIZE), counts=counts.encode()))
        seen.setdefault(int(t), []).append((int(track), int(category), mask))
    assert sorted(seen) == good_frames()
    for t, found in seen.items():
        masks = frame(t)[1].masks
        tracks, categories, pixels = zip(*found, strict=True)
        assert list(tracks) == [5, 8, 10][: len(masks)]  # ids from 1
        assert list(categories) == [12 if t == 0 else 11, 12, 13][: len(masks)]
        assert np.sum(pixels, axis=0).max() == 1
        assert (pixels[0] == masks[0]).all()
        assert (pixels[1] == masks[1] & ~masks[0]).all()


def test_folders_have_the_name_of_the_track(tmp_path):
    video = write(tmp_path, 'masks', 'crops')
    wanted = {'0004_person', '0007_script_b_dog', '0009_cat'}
    for kind, suffix in (('masks', 'png'), ('crops', 'jpg')):
        assert {path.name for path in video.files[kind].iterdir()} == wanted
        names = sorted(p.name for p in (video.files[kind] / '0004_person').iterdir())
        assert names == [f'{t:05d}.{suffix}' for t in good_frames()]
    crop = cv2.imread(str(video.files['crops'] / '0009_cat/00005.jpg'))
    assert crop.shape == (11, 13, 3) and np.abs(crop.astype(int) - 150).max() < 5
    assert folder_name(3, ('..',), 0) == folder_name(3, None, 0) == '0003'
    assert folder_name(3, ('été ' * 40,), 0).startswith('0003_été_été')


def page_parts(path: Path) -> dict[str, str]:
    parts = re.findall(
        r'<script type="[a-z/]+" id="data-(\w+)">(.*?)</script>',
        path.read_text(encoding='utf-8'),
        re.DOTALL,
    )
    return dict(parts)


def test_page_has_the_video_and_its_masks(tmp_path):
    pytest.importorskip('av')
    path = write(tmp_path, 'html').files['html']
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # nothing is left over
    parts = page_parts(path)
    about = json.loads(parts['about'])
    assert about['names'] == list(NAMES) and about['damaged'] == [DAMAGED]
    assert [(t['id'], t['label']) for t in about['tracks']] == [(4, 0), (7, 1), (9, 2)]
    frames = json.loads(parts['frames'])
    assert len(frames) == about['frames'] == FRAMES and frames[DAMAGED] == []
    for t in good_frames():
        counts = [found[3].encode() for found in frames[t]]
        assert counts == [rle['counts'] for rle in frame(t)[1].rles]
    (tmp_path / 'v.mp4').write_bytes(base64.b64decode(parts['video']))
    shown, fps = read_video(tmp_path / 'v.mp4')
    assert (len(shown), fps) == (FRAMES, 5)
    levels = [30 * (t if t != DAMAGED else t - 1) for t in range(FRAMES)]
    assert [image.mean() for image in shown] == pytest.approx(levels, abs=4)


def test_a_page_of_large_frames_is_reduced(tmp_path):
    pytest.importorskip('av')
    mask = np.zeros((1, 1000, 2560), bool)
    mask[0, 200:600, 1280:] = True
    rles = encode_masks(mask)
    result = FrameResult(0, (1000, 2560), rle_to_bbox(rles), [0.9], [0], [0], rles)
    video = VideoResult(FrameSource())
    outputs = VideoOutputs(tmp_path, ['html'], video, fps=5)
    video.add(result)
    outputs.write(np.zeros((1000, 2560, 3), np.uint8), result)
    outputs.close()
    parts = page_parts(video.files['html'])
    about, ((found,),) = json.loads(parts['about']), json.loads(parts['frames'])
    assert (about['height'], about['width']) == (500, 1280)
    small = mask_utils.decode(dict(size=[500, 1280], counts=found[3].encode()))
    assert (small == mask[0, ::2, ::2]).all()


def browse(path: Path):
    """What Chromium makes of a page."""
    words = ['chromium', '--headless', '--no-sandbox', '--disable-gpu']
    words += ['--window-size=1400,900', '--hide-scrollbars']
    words += ['--virtual-time-budget=5000', '--dump-dom', path.resolve().as_uri()]
    return run_bounded(words)


@needs_chromium
@pytest.mark.parametrize('width', [1280, 400])
def test_nothing_of_the_page_sticks_out(tmp_path, width):
    """In a frame, since Chromium's own window has 500 px at least."""
    pytest.importorskip('av')
    path = write(tmp_path, 'html').files['html']
    with path.open('a', encoding='utf-8') as page:
        page.write('<script>const { scrollWidth } = document.documentElement;')
        page.write('parent.postMessage([innerWidth, scrollWidth], "*")</script>')
    frame = tmp_path / 'frame.html'
    frame.write_text(
        '<body><script>onmessage = e => document.body.dataset.wide = e.data</script>'
        f'<iframe src="{path.as_uri()}" width={width} height=900 frameborder=0>'
    )
    assert f'data-wide="{width},{width}"' in browse(frame).stdout


@needs_chromium
def test_a_browser_plays_the_page_from_a_file(tmp_path):
    pytest.importorskip('av')
    path = write(tmp_path, 'html').files['html']
    done = browse(path)
    assert 'data-video="ready"' in done.stdout, done.stderr[-2000:]
    assert '>#7 &lt;/script&gt;&lt;b&gt;dog</span>' in done.stdout
    assert '3 of 3 shown' in done.stdout and '#4 score 0.90' in done.stdout


def test_a_page_without_pyav_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvis.apis.requests.find_spec', lambda name: None)
    with pytest.raises(ValueError, match=r'pip install mmvis\[video\]'):
        write(tmp_path, 'html')


def test_a_long_video_is_finished_a_track_at_a_time(tmp_path):
    """Each has an entry for every frame: all at once they are tracks times frames."""
    tracks, frames = 300, 1500
    source = FrameSource()
    source.name = 'long'
    video = VideoResult(source, NAMES, keep_frames=False)
    (rle,) = encode_masks(np.ones((1, 4, 5), bool))
    for t in range(frames):
        box, row = [0, 0, 5, 4], [t % tracks]
        video.add(FrameResult(t, (4, 5), [box], [0.5], [1], row, [rle], NAMES))
    writer = ResultsFile(tmp_path / 'long.json', video, 0.0, None)
    tracemalloc.start()
    try:
        files = writer.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < tracks * frames * 8 / 3  # a pointer each
    written = json.loads(files['json'].read_text())
    assert written == video.to_youtube_vis() and len(written) == tracks
    seen = [s is not None for s in written[7]['segmentations']]
    assert sum(seen) == frames // tracks and len(seen) == frames


def test_five_hundred_instances_a_frame(tmp_path):
    """In files of every kind, each instance of each frame."""
    count, frames, size = 500, 2, (96, 160)
    masks = np.zeros((count, *size), bool)
    for row, mask in enumerate(masks):
        y, x = (4 * place for place in divmod(row, 40))
        mask[y : y + 2, x : x + 3] = True
    rles = encode_masks(masks)
    source = FrameSource()
    source.name = 'crowd'
    video = VideoResult(source, NAMES)
    outputs = VideoOutputs(tmp_path, KINDS, video, fps=5)
    for t in range(frames):
        labels = np.arange(count) % 3
        columns = np.full(count, 0.9), labels, np.arange(count)
        result = FrameResult(t, size, rle_to_bbox(rles), *columns, rles, NAMES)
        video.add(result)
        outputs.write(np.full((*size, 3), 90, np.uint8), result)
    outputs.close()
    files = video.files
    assert set(files) == {*KINDS, 'video'}
    assert len(read_video(files['mp4'])[0]) == frames
    tracks = json.loads(files['json'].read_text())
    assert [len(track['segmentations']) for track in tracks] == [frames] * count
    lines = files['csv'].read_text().splitlines()
    assert len(lines) == frames * count + 1
    assert {line.split(',')[1] for line in lines[1:]} == set(map(str, range(count)))
    assert len(files['mots'].read_text().splitlines()) == frames * count
    for kind in ('masks', 'crops'):
        assert sum(1 for _ in files[kind].rglob('*.*g')) == frames * count
    xml = ElementTree.parse(files['cvat']).getroot()
    assert len(xml.findall('image/mask')) == frames * count
    xml = ElementTree.parse(files['cvat-tracks']).getroot()
    assert len(xml.findall('track')) == count
