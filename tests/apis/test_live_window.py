"""A window with the latest frame: on a display of this test, and without one."""

import shutil
import sys
from contextlib import suppress
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from processes import run_bounded

from mmvis.apis.command import main
from mmvis.apis.viewers import LiveWindow
from mmvis.structures.frame_result import FrameResult

SIZE = (30, 50)
NOTHING = FrameResult(0, SIZE, [], [], [], [], ())
IMAGE = np.full((*SIZE, 3), 90, np.uint8)

ON_A_DISPLAY = """
import cv2, numpy as np
from mmvis.apis.viewers import LiveWindow
from mmvis.structures.frame_result import FrameResult
image = np.full((300, 500, 3), 90, np.uint8)
nothing = FrameResult(0, (300, 500), [], [], [], [], ())
window = LiveWindow('a title')
for _ in range(20):
    window.write(image, nothing)
print(cv2.getWindowImageRect('a title')[2:])
cv2.destroyWindow('a title')  # as a click on its corner does
try:
    window.write(image, nothing)
except KeyboardInterrupt:
    print('over')
window.close()
"""


def has_windows() -> bool:
    return 'GUI:                           NONE' not in cv2.getBuildInformation()


@pytest.mark.skipif(shutil.which('xvfb-run') is None, reason='there is no Xvfb')
@pytest.mark.skipif(not has_windows(), reason='a headless OpenCV')
def test_a_window_is_as_large_as_the_video_and_may_be_closed():
    words = ['xvfb-run', '-a', sys.executable, '-c', ON_A_DISPLAY]
    done = run_bounded(words)
    assert done.stdout == '(500, 300)\nover\n', done.stderr


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Three frames, and a file that finds nothing in them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a').mkdir()
    for number in range(3):
        cv2.imwrite(f'a/{number}.png', IMAGE)
    (tmp_path / 'r.json').write_text('[]')


def test_without_a_display_a_window_is_refused(monkeypatch, place, tmp_path, capsys):
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr('sys.platform', 'linux')
    with pytest.raises(ValueError, match='--serve PORT shows the same'):
        LiveWindow()
    assert main(['a', '--detections', 'r.json', '--show', '--out', 'o']) == 1
    assert not (tmp_path / 'o').exists()


@pytest.mark.parametrize('how', ['key', 'closed'])
def test_q_or_closing_it_ends_the_run(monkeypatch, place, tmp_path, how):
    monkeypatch.setenv('DISPLAY', ':9')
    shown = []
    windows = dict(
        namedWindow=lambda *args: None,
        resizeWindow=lambda *args: shown.append(args[1:]),
        imshow=lambda *args: shown.append('image'),
        destroyWindow=lambda *args: shown.append('closed'),
        waitKey=lambda wait: ord('q') if how == 'key' and len(shown) == 3 else -1,
        getWindowProperty=lambda *args: float(how == 'key' or len(shown) < 3),
    )
    for name, function in windows.items():
        monkeypatch.setattr(cv2, name, function)
    words = ['a', '--detections', 'r.json', '--save', 'csv', '--out', 'o', '--show']
    assert main(words) == 130
    assert shown == [(50, 30), 'image', 'image', 'closed']
    assert (tmp_path / 'o/a.csv').is_file()


def test_a_window_that_never_tells_whether_it_is_open_stays(monkeypatch):
    """As of GTK."""
    monkeypatch.setenv('DISPLAY', ':9')
    shown = []
    for name in ('namedWindow', 'resizeWindow', 'destroyWindow'):
        monkeypatch.setattr(cv2, name, lambda *args: None)
    monkeypatch.setattr(cv2, 'imshow', lambda *args: shown.append(args))
    monkeypatch.setattr(cv2, 'waitKey', lambda wait: -1)
    monkeypatch.setattr(cv2, 'getWindowProperty', lambda *args: -1.0)
    window = LiveWindow()
    with suppress(KeyboardInterrupt):  # would end the tests
        for _ in range(3):
            window.write(IMAGE, NOTHING)
    assert len(shown) == 3


def test_a_large_video_is_reduced(monkeypatch):
    monkeypatch.setenv('DISPLAY', ':9')
    sizes = []
    names = ('namedWindow', 'imshow', 'destroyWindow')
    fakes = SimpleNamespace(**{name: lambda *args: None for name in names})
    for name in names:
        monkeypatch.setattr(cv2, name, getattr(fakes, name))
    monkeypatch.setattr(cv2, 'waitKey', lambda wait: -1)
    monkeypatch.setattr(cv2, 'resizeWindow', lambda *args: sizes.append(args[1:]))
    size = (1080, 1920)
    nothing = FrameResult(0, size, [], [], [], [], ())
    LiveWindow().write(np.zeros((*size, 3), np.uint8), nothing)
    assert sizes == [(1280, 720)]
