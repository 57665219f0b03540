"""Names that FFmpeg takes for addresses, animations, files that change midway."""

import struct
import threading
import warnings
from collections.abc import Iterable
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from inferencers import images, write_video
from PIL import Image

from mmvis.apis.animations import is_animated
from mmvis.apis.command import main
from mmvis.apis.errors import UnreadableSourceError
from mmvis.apis.frame_sources import VideoFileSource, open_source
from mmvis.apis.video_sheet import VideoSheet
from mmvis.structures.frame_result import FrameResult


def flat(level: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Dark at the left, ``level`` at the right."""
    image = np.zeros((*size, 3), np.uint8)
    image[:, size[1] // 2 :] = level
    return image


def encode(
    path: Path,
    frames: list[np.ndarray],
    codec: str = 'libx264',
    rate: int = 25,
    **options: str,
) -> Path:
    """A file by PyAV, apart from the package's own writer."""
    av = pytest.importorskip('av')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.options = options
        stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        for frame in frames:
            packets = stream.encode(av.VideoFrame.from_ndarray(frame, 'bgr24'))
            container.mux(packets)
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize('name', ['12:30:45.mp4', 'http:x.mp4', 'a\nb.mp4', '%03d.mp4'])
def test_a_name_is_never_an_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_video(Path(name), images(3))  # writes it, too
    for source in (open_source(name), VideoFileSource(Path(name))):
        assert sum(frame.image is not None for frame in source) == 3


def test_a_sheet_of_a_name_with_a_line_break():
    nothing = FrameResult(0, (48, 64), [], [], [], [], ())
    sheet = VideoSheet(1)
    sheet.add(flat(200), nothing)
    broken, plain = (sheet.page(f'a{space}b (1 frame)') for space in ('\n', ' '))
    assert (broken == plain).all()


@pytest.mark.parametrize('suffix', ['.webp', '.png'])
def test_animations_have_all_their_frames(tmp_path, suffix):
    path = tmp_path / f'moves{suffix}'
    wanted = [flat(level) for level in (40, 120, 200)]
    first, *others = [Image.fromarray(frame[..., ::-1]) for frame in wanted]
    first.save(path, save_all=True, append_images=others, duration=125, lossless=True)
    source = open_source(path)
    assert (source.name, source.length, source.fps) == ('moves', 3, 8)
    for _ in range(2):
        got = [frame.image for frame in source]
        assert all((g == w).all() for g, w in zip(got, wanted, strict=True))
    first.save(path, lossless=True)  # a single frame stays an image
    assert not is_animated(path) and open_source(path).fps is None
    path.write_bytes(b'no image')
    assert [frame.image for frame in open_source(path)] == [None]


def test_what_is_transparent_in_an_animation_is_black(tmp_path):
    clear = Image.new('RGBA', (8, 8), (255, 255, 255, 0))
    half = Image.new('RGBA', (8, 8), (200, 100, 50, 128))
    clear.save(tmp_path / 'a.webp', save_all=True, append_images=[half], lossless=True)
    seen = [frame.image[0, 0].tolist() for frame in open_source(tmp_path / 'a.webp')]
    assert seen == [[0, 0, 0], [25, 50, 100]]


def test_a_stream_that_changes_its_size(tmp_path):
    parts = [
        encode(tmp_path / f'{n}.ts', frames)
        for n, frames in enumerate([[flat(200)] * 3, [flat(200, (48, 32))] * 3])
    ]
    whole = tmp_path / 'whole.ts'
    whole.write_bytes(b''.join(part.read_bytes() for part in parts))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        frames = [frame.image for frame in open_source(whole)]
    (words,) = [str(warning.message) for warning in said]
    assert 'frame 3 is 32 x 48 px' in words and 'the first is 64 x 48' in words
    assert len(frames) == 6 and {frame.shape for frame in frames} == {(48, 64, 3)}
    # Centred, not stretched: bars of 16 px, and the bright half from 32 on.
    bright = np.flatnonzero(frames[4][24, :, 1] > 100)
    assert (bright.min(), bright.max()) == (32, 47)


def test_a_video_is_turned_as_it_asks_for(tmp_path):
    frames = [flat(200)] * 2
    data = bytearray(encode(tmp_path / 'v.mp4', frames).read_bytes())
    place = data.index(b'tkhd') + 44  # the matrix of ISO 14496-12, version 0
    one = 1 << 16
    data[place : place + 36] = struct.pack('>9i', 0, one, 0, -one, *[0] * 4, 1 << 30)
    (tmp_path / 'v.mp4').write_bytes(data)
    for source in (
        open_source(tmp_path / 'v.mp4'),
        VideoFileSource(tmp_path / 'v.mp4'),
    ):
        image = next(iter(source)).image
        assert image.shape == (64, 48, 3)
        assert image[:30].max() < 60 and image[34:].min() > 150


def test_a_packet_that_is_broken_is_a_damaged_frame(tmp_path):
    pictures = [flat(40 + 20 * n) for n in range(8)]
    data = bytearray(encode(tmp_path / 'v.mp4', pictures, 'mjpeg').read_bytes())
    starts = [i for i in range(len(data)) if data.startswith(b'\xff\xd8\xff', i)]
    assert len(starts) == 8
    data[starts[3] : starts[4]] = bytes(starts[4] - starts[3])
    (tmp_path / 'v.mp4').write_bytes(data)
    frames = list(open_source(tmp_path / 'v.mp4'))
    assert [frame.index for frame in frames] == list(range(8))
    lost = [frame.index for frame in frames if frame.image is None]
    assert lost == [3] and 'Frame 3' in frames[3].damage


def encode_broken(
    path: Path, count: int, broken: Iterable[int], rate: int = 25
) -> Path:
    """Key frames of H.264, some of whose packets are overwritten."""
    av = pytest.importorskip('av')
    pictures = [flat(40 + 20 * n) for n in range(count)]
    encode(path, pictures, rate=rate, g='1')
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        places = [(packet.pos, packet.size) for packet in packets]
    data = bytearray(path.read_bytes())
    for start, length in (places[n] for n in broken):
        data[start : start + length] = b'\xff' * length
    path.write_bytes(data)
    return path


def test_a_packet_of_h264_that_is_broken_is_a_damaged_frame(tmp_path):
    frames = list(open_source(encode_broken(tmp_path / 'v.mp4', 8, [3])))
    assert [frame.index for frame in frames if frame.image is None] == [3]
    levels = [round(frames[n].image[:, 40:].mean()) for n in (2, 4, 7)]
    assert levels == pytest.approx([80, 120, 180], abs=5)


def test_a_video_without_a_good_packet_is_refused_when_opened(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    encode_broken(Path('bad.mp4'), 6, range(6))
    with pytest.raises(UnreadableSourceError) as error:
        open_source('bad.mp4')
    assert 'is said to have 6 frames, but none can be decoded' in str(error.value)
    encode_broken(Path('good.mp4'), 6, [0])
    Path('r.json').write_text('[]')
    words = [*['--detections', 'r.json'] * 2, '--save', 'csv', '--out', 'o']
    assert main(['bad.mp4', 'good.mp4', *words, '--on-error', 'skip']) == 1
    assert [path.name for path in Path('o').rglob('*.csv')] == ['good.csv']
    assert 'none can be decoded' in capsys.readouterr().err


def test_damaged_frames_have_the_times_between(tmp_path):
    path = encode_broken(tmp_path / 'v.mp4', 7, [0, 1, 4], rate=10)
    source = open_source(path)
    # Asked as each frame comes, before what follows is read.
    times = [source.time_of(frame.index) for frame in source]
    assert times == pytest.approx([n / 10 for n in range(7)])


def test_ten_bits_become_eight(tmp_path):
    av = pytest.importorskip('av')
    with av.open(str(tmp_path / 'v.mkv'), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p10le'
        for level in (100, 500, 900):  # of 1023; 64 is black, 940 white
            frame = av.VideoFrame(64, 48, 'yuv420p10le')
            for plane, value in zip(frame.planes, (level, 512, 512), strict=True):
                plane.update(np.full(plane.buffer_size // 2, value, '<u2').tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    found = [frame.image for frame in open_source(tmp_path / 'v.mkv')]
    assert {image.dtype for image in found} == {np.dtype('uint8')}
    wanted = [(level - 64) / (940 - 64) * 255 for level in (100, 500, 900)]
    assert [image.mean() for image in found] == pytest.approx(wanted, abs=3)


TIMES = [0.0, 0.04, 0.08, 0.5, 0.54, 1.2]


def uneven(path: Path) -> Path:
    """Six frames at times of no rate."""
    av = pytest.importorskip('av')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time in enumerate(TIMES):
            frame = av.VideoFrame.from_ndarray(flat(40 * number), 'bgr24')
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ('words', 'wanted'),
    [
        ([], TIMES),
        (['--start', '1', '--stride', '2'], [0, 0.46, 1.16]),
        (['--fps', '10'], [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    ],
)
@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_frames_without_an_even_rate_keep_their_times(
    tmp_path, monkeypatch, words, wanted, suffix
):
    av = pytest.importorskip('av')
    monkeypatch.chdir(tmp_path)
    uneven(tmp_path / f'v{suffix}')
    Path('r.json').write_text('[]')
    words = ['--detections', 'r.json', '--save', 'mp4', '--out', 'o.mp4', *words]
    assert main([f'v{suffix}', *words]) == 0
    with av.open('o.mp4') as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(wanted, abs=2e-3)


def test_joined_files_whose_times_begin_again_go_on_evenly(tmp_path):
    part = encode(tmp_path / 'part.ts', [flat(200)] * 3).read_bytes()
    (tmp_path / 'whole.ts').write_bytes(part * 2)
    source = open_source(tmp_path / 'whole.ts')
    assert len(list(source)) == 6
    times = [source.time_of(index) for index in range(6)]
    assert times == pytest.approx([0, 0.04, 0.08, None, None, None])


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and prints nothing."""

    def log_message(self, *args) -> None:
        pass


def test_a_video_of_a_server(tmp_path):
    write_video(tmp_path / 'v.mp4', images(4), fps=12.5)
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}'
        source = open_source(f'{address}/v.mp4')
        assert (source.name, source.fps, source.length) == ('v', 12.5, 4)
        assert [frame.index for frame in source] == [0, 1, 2, 3]
        with pytest.raises(UnreadableSourceError) as error:
            open_source(f'http://me:secret@127.0.0.1:{server.server_port}/none.mp4')
        server.shutdown()
    said = str(error.value)
    assert (
        said.startswith(f'{address}/none.mp4 cannot be opened') and 'secret' not in said
    )
