import numpy as np
import pytest

from mmvis.visualization.text import paste, shorten_to_width, text_patch

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@pytest.mark.parametrize('text', ['cat 0.87 #3', 'Ägypten żółw', 'gjpqy_|', 'WWW'])
@pytest.mark.parametrize('size', [9, 12, 30])
def test_letters_keep_off_the_edge(text, size):
    patch = text_patch(text, size, BLACK, WHITE)
    ink = patch.min(-1) < 128
    assert ink.any()
    assert not ink[:, 0].any() and not ink[:, -1].any()
    assert not ink[-1].any()
    assert patch.shape[0] == text_patch('x', size, BLACK, WHITE).shape[0]


def test_colours_are_bgr_and_cache_is_safe():
    patch = text_patch('I', 40, (255, 0, 0), (0, 0, 255))
    assert (patch == (0, 0, 255)).all(-1).any()
    assert (patch == (255, 0, 0)).all(-1).any()
    with pytest.raises(ValueError, match='read-only'):
        patch[0] = 0


@pytest.mark.parametrize(('left', 'top'), [(-3, -2), (2, 1), (8, 5), (50, 50), (-9, 0)])
def test_paste_cuts_what_sticks_out(left, top):
    canvas = np.zeros((7, 10, 3), np.uint8)
    patch = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) + 1
    paste(canvas, patch, left, top)
    for y in range(7):
        for x in range(10):
            inside = 0 <= y - top < 4 and 0 <= x - left < 5
            wanted = patch[y - top, x - left] if inside else 0
            assert (canvas[y, x] == wanted).all()


def test_long_text_is_shortened():
    short = shorten_to_width('a name that is much too long', 12, 80)
    assert short.endswith('…')
    assert text_patch(short, 12, BLACK, WHITE).shape[1] <= 80
    assert shorten_to_width('short', 12, 80) == 'short'
    assert shorten_to_width('anything', 12, 2) == ''
