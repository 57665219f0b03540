"""Pipes, streams that drop, parts of videos, several of them, and live pages."""

import io
import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from inferencers import write_folder, write_video

from mmvis.apis import MaskInferencer, video_sources
from mmvis.apis.command import main
from mmvis.apis.detections import PartOfDetections, open_detections
from mmvis.apis.errors import NoFramesError, UnreadableSourceError
from mmvis.apis.frame_sources import open_source
from mmvis.apis.image_sources import ImagesSource
from mmvis.apis.parts import part_of
from mmvis.apis.pipe_source import open_pipe
from mmvis.apis.several_videos import all_videos, folders_of
from mmvis.apis.viewers import LivePage
from mmvis.structures.rle import encode_masks

SIZE = (48, 64)
rng = np.random.default_rng(0)
NOISE = rng.integers(0, 255, (3, *SIZE, 3)).astype(np.uint8)


def grey(value: int) -> np.ndarray:
    return np.full((*SIZE, 3), value, np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode('.jpg', image)[1].tobytes()


class Pipe(io.BytesIO):
    """Gives a few bytes at a time, as pipes do."""

    def read(self, size=-1):
        return super().read(min(size, 1000))

    read1 = read


def values(source) -> list:
    """The grey of each frame, None for a damaged one."""
    return [None if f.image is None else round(f.image.mean()) for f in source]


@pytest.mark.parametrize(
    ('pix_fmt', 'to'),
    [('bgr24', None), ('rgb24', cv2.COLOR_BGR2RGB), ('rgba', cv2.COLOR_BGR2RGBA)],
)
def test_raw_frames_of_a_pipe(pix_fmt, to):
    sent = [n if to is None else cv2.cvtColor(n, to) for n in NOISE]
    data = b''.join(image.tobytes() for image in sent)
    got = [f.image for f in open_pipe('64x48', pix_fmt, Pipe(data))]
    assert np.array_equal(got, NOISE)


def test_raw_frames_in_yuv_and_grey():
    yuv = [cv2.cvtColor(grey(v), cv2.COLOR_BGR2YUV_I420).tobytes() for v in (50, 200)]
    found = values(open_pipe('64x48', 'yuv420p', Pipe(b''.join(yuv))))
    assert np.abs(np.array(found) - [50, 200]).max() <= 2
    data = grey(7)[..., 0].tobytes() + grey(9)[..., 0].tobytes()
    assert values(open_pipe('64x48', 'gray', Pipe(data))) == [7, 9]


def test_a_pipe_that_is_cut_says_so():
    *_, last = open_pipe('64x48', 'bgr24', Pipe(NOISE.tobytes()[:-5]))
    assert last.image is None and 'ends after 9211 of 9216 bytes' in last.damage
    for size in ('64', '0x4', 'a'):
        with pytest.raises(ValueError, match='width x height'):
            open_pipe(size, 'bgr24', Pipe())
    with pytest.raises(ValueError, match='even sizes'):
        open_pipe('63x48', 'yuv420p', Pipe())


def test_jpegs_of_a_pipe():
    data = b''.join(jpeg(grey(v)) for v in (10, 90, 160))
    assert values(open_pipe(pipe=Pipe(data))) == [10, 90, 160]
    assert values(open_pipe(pipe=Pipe(data[:-40]))) == [10, 90, None]
    with pytest.raises(NoFramesError, match='no JPEGs: give --size'):
        values(open_pipe(pipe=Pipe(NOISE.tobytes())))
    with pytest.raises(UnreadableSourceError, match='stdin is a terminal'):
        open_pipe(pipe=SimpleNamespace(isatty=lambda: True))


@pytest.fixture
def server():
    """A server of MJPEG: each visitor gets the next list of frames, then is dropped."""
    lots: list[list] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if not lots:
                self.send_error(404)
                return
            self.send_response(200)
            kind = 'multipart/x-mixed-replace; boundary=frame'
            self.send_header('Content-Type', kind)
            self.end_headers()
            for image in lots.pop(0):
                data = jpeg(image)
                head = '--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                head += str(len(data))
                self.wfile.write(head.encode() + b'\r\n\r\n' + data + b'\r\n')

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lots_of = SimpleNamespace(lots=lots)
    lots_of.address = f'http://127.0.0.1:{server.server_address[1]}/live.mjpg'
    yield lots_of
    server.shutdown()
    server.server_close()


def test_a_stream_that_drops_is_opened_again(server, monkeypatch):
    monkeypatch.setattr(video_sources, '_FIRST_WAIT', 0.01)
    lots = [[grey(v)] * 6 for v in (20, 100)]
    server.lots += lots
    once = values(open_source(server.address))
    assert once and set(once) == {20}
    server.lots[:] = lots
    source = open_source(server.address, reconnect=2)
    with pytest.warns(UserWarning, match='opened again, 1 of at most 2') as said:
        found = values(source)
    # What came before the drop, what came after it, and nothing of a third time.
    assert set(found) == {20, 100} and found == sorted(found)
    assert len(said) == 3 and 'live.mjpg was lost' in str(said[-1].message)


def test_parts_of_a_source():
    source = ImagesSource([grey(10 * n) for n in range(12)])
    source.fps = 4.0
    assert part_of(source) is source
    part = part_of(source, '1', '10', 3)
    assert [f.index for f in part] == [0, 1, 2] and values(part) == [10, 40, 70]
    assert (part.length, part.fps) == (3, 4 / 3)
    assert values(part_of(source, '2.5s')) == [100, 110]
    assert values(part_of(source, '0', '0.5s')) == [0, 10]
    for words, said in (
        (('5', '5'), 'stop, 5, is not behind start'),
        (('0', None, 0), 'at least 1, not 0'),
        (('1.5',), 'start is the number of a frame, or a time'),
    ):
        with pytest.raises(ValueError, match=said):
            part_of(source, *words)
    for beyond in (part_of(source, '12'), part_of(source, '20', '30', 2)):
        said = r'has 12 frames, from 0 to 11: none is from (12|20) on'
        with pytest.raises(NoFramesError, match=said):
            values(beyond)
    assert values(part_of(source, '11')) == [110]
    assert values(part_of(source, '9', '40', 5)) == [90]
    source.fps = None
    with pytest.raises(ValueError, match='no frames a second'):
        part_of(source, '2s')


def squares(first: int, number: int) -> tuple[list, list]:
    """A square that goes right from frame to frame: images, COCO's results."""
    images, found = [], []
    for t in range(first, first + number):
        mask = np.zeros((1, *SIZE), bool)
        mask[0, 10:30, 2 * t : 2 * t + 20] = True
        image = grey(90)
        image[mask[0]] = (20, 20, 220)
        images.append(image)
        (rle,) = encode_masks(mask)
        rle['counts'] = rle['counts'].decode()
        found.append(dict(image_id=t, category_id=1, score=0.9, segmentation=rle))
    return images, found


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Two videos of one recording, and the masks of all its frames."""
    monkeypatch.chdir(tmp_path)
    for name, first in (('a', 0), ('b', 5)):
        write_folder(tmp_path / name, squares(first, 5)[0])
    Path('r.json').write_text(json.dumps(squares(0, 10)[1]))
    return tmp_path


def lines(path) -> list[list[str]]:
    return [line.split(',') for line in Path(path).read_text().splitlines()[1:]]


def test_ids_go_on_through_parts_of_a_recording(place, capsys):
    words = ['--detections', 'r.json', '--save', 'csv', '--out', 'o']
    assert main(['a', 'b', *words, '--continue']) == 0
    assert 'wrote o/a/a.csv' in capsys.readouterr().out
    first, second = lines('o/a/a.csv'), lines('o/b/b.csv')
    assert [row[0] for row in second] == ['0', '1', '2', '3', '4']
    assert {row[1] for row in first + second} == {'0'}
    # The square has gone on, so these are the masks of the later frames.
    assert [int(float(row[4])) for row in second] == [10, 12, 14, 16, 18]
    # Each by itself needs masks of its own.
    assert main(['a', 'b', *words]) == 1
    assert '--detections is given 1 times for 2 videos' in capsys.readouterr().err
    Path('r2.json').write_text(json.dumps(squares(0, 5)[1]))
    both = ['--detections', 'r2.json', *words, '--out', 'o2']
    assert main(['a', 'b', *both]) == 0
    assert [int(float(row[4])) for row in lines('o2/b/b.csv')] == [0, 2, 4, 6, 8]
    assert main(['a', 'b', *both, '--continue']) == 1
    assert 'give one file of detections' in capsys.readouterr().err


def test_masks_are_those_of_the_frames_that_are_taken(place):
    words = ['--save', 'csv', '--start', '1', '--stride', '2', '--out', 'o']
    assert main(['a', '--detections', 'r.json', *words]) == 0
    assert [(row[0], int(float(row[4]))) for row in lines('o/a.csv')] == [
        ('0', 2),
        ('1', 6),
    ]
    part = PartOfDetections(open_detections('r.json'), 1, 2)
    assert len(part.of(4, SIZE).rles) == 1 and not part.of(5, SIZE).rles


def test_a_folder_of_videos(place, capsys):
    Path('v').mkdir()
    for name in ('10.mp4', '9.mp4'):
        write_video(Path('v', name), squares(0, 3)[0])
    Path('v/11.mkv').write_bytes(b'no video')
    assert all_videos(['v', 'a']) == ['v/9.mp4', 'v/10.mp4', 'v/11.mkv', 'a']
    words = ['v', *3 * ['--detections', 'r.json'], '--save', 'csv', '--out', 'o']
    assert main(words) == 4
    assert not Path('o').exists()
    assert main([*words, '--on-error', 'skip']) == 1
    assert 'left out: v/11.mkv cannot be opened' in capsys.readouterr().err
    assert len(lines('o/9/9.csv')) == len(lines('o/10/10.csv')) == 3
    assert main([*words, '--out', 'o.mp4', '--on-error', 'skip']) == 1
    assert 'give a folder' in capsys.readouterr().err
    assert folders_of(['x', 'y', 'x'], None) == [
        *(Path('x_mmvis'), Path('y_mmvis'), Path('x_2_mmvis'))
    ]


def test_stdin_of_the_command(place, monkeypatch):
    data = b''.join(image.tobytes() for image in squares(0, 4)[0])
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=Pipe(data)))
    words = ['--detections', 'r.json', '--save', 'csv', '--size', '64x48']
    assert main(['-', *words]) == 0
    assert len(lines('stdin_mmvis/stdin.csv')) == 4


def fetch(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    return urllib.request.urlopen(request, timeout=20)


def test_a_page_shows_the_latest_frame():
    images, found = squares(0, 3)
    page = LivePage(0)
    try:
        with fetch(page.address) as answer:
            assert b'/stream' in answer.read()
        for path, headers, code in (
            ('/x', {}, 404),
            ('/', {'Host': 'evil.org:1'}, 403),
        ):
            with pytest.raises(urllib.error.HTTPError) as raised:
                fetch(page.address + path, **headers)
            assert raised.value.code == code
        inferencer = MaskInferencer(PartOfDetections(_Of(found), 0, 1))
        results = [r for _, r in inferencer.stream(images)]
        page.write(images[0], results[0])  # nobody looks: nothing is drawn
        assert page._jpeg is None
        with fetch(page.address + '/stream') as answer:
            while not page._visitors:
                pass
            page.write(images[1], results[1])
            assert answer.readline() == b'--frame\r\n'
            answer.readline()
            length = int(answer.readline().split()[1])
            answer.readline()
            pixels = np.frombuffer(answer.read(length), np.uint8)
            shown = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
        # Small frames are enlarged for the labels.
        assert shown.shape[0] / shown.shape[1] == SIZE[0] / SIZE[1]
        assert shown.std() > 5
        with pytest.raises(ValueError, match='cannot be had'):
            LivePage(int(page.address.rpartition(':')[2]))
    finally:
        page.close()


class _Of:
    """Detections of a list of COCO's results."""

    class_names, category_ids = ('square',), (1,)

    def __init__(self, found):
        self._found = found

    def of(self, frame, size):
        mask = self._found[frame]['segmentation']
        return SimpleNamespace(rles=[mask], scores=[0.9], labels=[0])
