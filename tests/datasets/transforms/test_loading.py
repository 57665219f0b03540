"""Loading of frames: what comes out, and what is refused."""

import cv2
import numpy as np
import pytest
from data_factory import write_frame

from mmvis.datasets.transforms import LoadVISFrame

FRAME = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def record(path, **members) -> dict:
    place = dict(img_path=str(path), video_id=7, frame_id=3, height=40, width=60)
    return place | members


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp', '.webp'])
def test_frames_are_those_of_opencv(tmp_path, suffix):
    path = tmp_path / f'frame{suffix}'
    write_frame(path, FRAME)
    results = LoadVISFrame().transform(record(path))
    assert (results['img'] == cv2.imread(str(path))).all()
    assert results['img'].dtype == np.uint8
    assert results['img_shape'] == results['ori_shape'] == (40, 60)
    assert results['video_id'] == 7
    floats = LoadVISFrame(to_float32=True).transform(record(path))
    assert floats['img'].dtype == np.float32 and (floats['img'] == results['img']).all()


@pytest.mark.parametrize('color_type', ['color', 'unchanged', 'grayscale'])
def test_grey_frames_get_three_channels(tmp_path, color_type):
    path = tmp_path / 'grey.png'
    write_frame(path, FRAME[:, :, 0])
    image = LoadVISFrame(color_type=color_type).transform(record(path))['img']
    assert image.shape == (40, 60, 3)
    assert (image == FRAME[:, :, :1]).all()


def test_records_without_a_size_are_not_checked(tmp_path):
    path = tmp_path / 'frame.png'
    write_frame(path, FRAME)
    assert LoadVISFrame().transform(dict(img_path=str(path)))['img'].shape[0] == 40


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp'])
def test_errors_name_file_frame_and_video(tmp_path, suffix, backend):
    load = LoadVISFrame(imdecode_backend=backend)
    path = tmp_path / f'frame{suffix}'
    place = f'Frame 3 of video 7.*{path}'
    with pytest.raises(FileNotFoundError, match=f'{place}.*does not exist.*data_root'):
        load.transform(record(path))
    write_frame(path, FRAME)
    with pytest.raises(ValueError, match=f'{place}.* is 60x40 .* says 40x60'):
        load.transform(record(path, height=60, width=40))
    whole = path.read_bytes()
    for damaged in (b'', b'no image', whole[:30]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=place):
            load.transform(record(path))


def test_truncated_jpeg_is_not_taken_for_a_grey_picture(tmp_path):
    path = tmp_path / 'cut.jpg'
    write_frame(path, FRAME)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(ValueError, match='truncated'):
        LoadVISFrame().transform(record(path))
