import numpy as np
import pytest

from mmvis.visualization.letterbox import letterbox


def test_same_size_is_untouched():
    image = np.ones((4, 6, 3), np.uint8)
    assert letterbox(image, 6, 4) is image


def test_small_image_is_centred():
    image = np.full((4, 6, 3), 200, np.uint8)
    page = letterbox(image, 10, 10)
    assert (page[3:7, 2:8] == 200).all()
    assert (page == 200).sum() == image.size


@pytest.mark.parametrize('shape', [(40, 10), (10, 40), (100, 100), (400, 1)])
def test_large_image_keeps_its_shape(shape):
    page = letterbox(np.full((*shape, 3), 200, np.uint8), 20, 16)
    rows, columns = np.nonzero((page == 200).all(-1))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    ratio = min(16 / shape[0], 20 / shape[1], 1)
    assert abs(height - shape[0] * ratio) <= 1
    assert abs(width - shape[1] * ratio) <= 1
    assert page.shape == (16, 20, 3)
