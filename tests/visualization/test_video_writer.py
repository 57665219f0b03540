import numpy as np
import pytest
from video_reader import read_video

from mmvis.visualization.video_writer import Mp4Writer


def flat_frames(count, height, width):
    return [np.full((height, width, 3), 20 + 18 * i, np.uint8) for i in range(count)]


@pytest.mark.parametrize('size', [(96, 160), (97, 161), (97, 160), (16, 16)])
@pytest.mark.parametrize('fps', [6, 29.97])
def test_frames_come_back(tmp_path, size, fps):
    path = tmp_path / 'new folder' / 'video.mp4'
    written = flat_frames(9, *size)
    with Mp4Writer(path, fps) as video:
        assert video.frame_size is None
        for frame in written:
            video.write(frame)
        assert video.frame_size == (size[1], size[0])
    frames, read_fps = read_video(path)
    assert len(frames) == video.num_frames == 9
    assert read_fps == pytest.approx(fps, rel=1e-3)
    even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    for frame, original in zip(frames, written, strict=True):
        assert frame.shape == (*even, 3)
        # Padding repeats the picture: no dark line at the edge.
        assert np.abs(frame.astype(int) - int(original[0, 0, 0])).max() < 12


@pytest.mark.parametrize('fps', [0, -1, float('nan'), float('inf'), 1e6, 0.001])
def test_rates_that_no_player_has(tmp_path, fps):
    with pytest.raises(ValueError, match='fps must be from'):
        Mp4Writer(tmp_path / 'video.mp4', fps)


def test_file_plays_after_an_exception(tmp_path):
    path = tmp_path / 'video.mp4'
    with pytest.raises(RuntimeError, match='trained to fail'), Mp4Writer(path) as video:
        for frame in flat_frames(4, 32, 48):
            video.write(frame)
        raise RuntimeError('trained to fail')
    assert len(read_video(path)[0]) == 4


def test_another_size_is_refused_and_the_rest_plays(tmp_path):
    path = tmp_path / 'video.mp4'
    with Mp4Writer(path) as video:
        video.write(np.zeros((32, 48, 3), np.uint8))
        with pytest.raises(ValueError, match=r'frame 1 is 46 x 32 px.*are 48 x 32'):
            video.write(np.zeros((32, 46, 3), np.uint8))
        video.write(np.zeros((32, 48, 3), np.uint8))
    assert len(read_video(path)[0]) == 2


@pytest.mark.parametrize(
    'frame',
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((8, 8, 4), 'u1')],
)
def test_no_frames(tmp_path, frame):
    video = Mp4Writer(tmp_path / 'video.mp4')
    with video, pytest.raises(ValueError, match='uint8 BGR'):
        video.write(frame)
    assert not (tmp_path / 'video.mp4').exists()


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.mp4'):
        Mp4Writer(tmp_path / 'video.avi')
    with pytest.raises(ValueError, match='fps'):
        Mp4Writer(tmp_path / 'video.mp4', fps=0)


def test_closed_and_unwritable(tmp_path):
    video = Mp4Writer(tmp_path / 'video.mp4')
    video.close()
    video.close()
    with pytest.raises(ValueError, match='closed'):
        video.write(np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'folder.mp4').mkdir()
    with pytest.raises(OSError, match=r'folder\.mp4 cannot be'):
        Mp4Writer(tmp_path / 'folder.mp4').write(np.zeros((8, 8, 3), np.uint8))
