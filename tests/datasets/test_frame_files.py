"""Damage of image files, for every kind of cut."""

import cv2
import numpy as np
import pytest

from mmvis.datasets.frame_files import image_damage


def encoded(suffix: str, *options: int) -> bytes:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


FILES = {
    'jpeg': encoded('.jpg'),
    'progressive': encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    'restarts': encoded('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    'png': encoded('.png'),
}
# A JPEG in the header, as cameras put a thumbnail there: with an end marker of its own.
THUMBNAIL = b'\xff\xe1' + (len(FILES['jpeg']) + 2).to_bytes(2, 'big') + FILES['jpeg']
FILES['with_thumbnail'] = FILES['jpeg'][:2] + THUMBNAIL + FILES['jpeg'][2:]


def decode(data: bytes) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


@pytest.mark.parametrize('name', FILES)
def test_a_cut_file_never_passes_for_another_picture(name):
    data = FILES[name]
    whole = decode(data)
    assert image_damage(data) is None and whole.shape == (40, 60, 3)
    assert image_damage(data[: len(data) * 6 // 10])
    for end in range(len(data)):
        if image_damage(data[:end]) is None:
            picture = decode(data[:end])
            assert picture is None or (picture == whole).all(), f'cut after {end}'


@pytest.mark.parametrize('name', FILES)
def test_something_appended_is_no_damage(name):
    for tail in (b'\0', b'\0' * 5000, b'trailer', FILES['jpeg']):
        assert image_damage(FILES[name] + tail) is None


def test_other_formats_are_left_to_the_decoder():
    assert image_damage(encoded('.bmp')[:100]) is None
    assert image_damage(b'') == 'is empty'
