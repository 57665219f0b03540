import cv2
import numpy as np
import pytest

from mmvis.visualization.colours import id_colour, line_colour, text_colour


def lab(colours):
    bgr = np.array([colours], dtype=np.float32) / 255
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB)[0]


@pytest.mark.parametrize(('ids', 'least'), [(range(10), 28.0), (range(50), 11.0)])
def test_ids_are_told_apart(ids, least):
    points = lab([id_colour(i) for i in ids])
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    distances[np.diag_indices(len(points))] = np.inf
    assert distances.min() > least


def test_colours_never_change():
    # The same in every run and release: stored numbers, not another formula.
    assert [id_colour(i) for i in (0, 1, 2, 3)] == STORED
    assert id_colour(np.int64(3)) == id_colour(3)


STORED = [(158, 133, 74), (80, 242, 241), (173, 17, 129), (193, 255, 148)]


@pytest.mark.parametrize('instance_id', [-1, 0, 7, 10**12])
def test_colours_are_visible_bytes(instance_id):
    colour = id_colour(instance_id)
    assert all(isinstance(value, int) and 0 <= value <= 255 for value in colour)
    assert max(colour) > 120


def relative_luminance(colour):
    """WCAG 2.1's definition."""
    values = np.array(colour[::-1]) / 255
    linear = np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(a, b):
    low, high = sorted((relative_luminance(a), relative_luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_readable_on_every_colour():
    for instance_id in range(200):
        colour = id_colour(instance_id)
        assert contrast(colour, text_colour(colour)) > 3.0


def test_lines_are_seen_on_black():
    for instance_id in range(200):
        colour = id_colour(instance_id)
        assert contrast(line_colour(colour), (0, 0, 0)) > 4.0
