import numpy as np
import pytest

from mmvis.visualization.contact_sheet import (
    SheetRow,
    cell_height_of,
    cell_scale,
    contact_sheet,
    evenly_spaced,
    fit_cell,
)


def frame(value, height=20, width=40):
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (value, 0, 255)  # a colour that no letter's grey edge has
    return image


def extent(sheet, value):
    rows, columns = np.nonzero((sheet == (value, 0, 255)).all(-1))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


@pytest.mark.parametrize('length', [1, 2, 5, 36])
@pytest.mark.parametrize('count', [2, 3, 6])
def test_evenly_spaced(length, count):
    positions = evenly_spaced(length, count)
    assert len(positions) == len(set(positions)) == min(length, count)
    assert positions[0] == 0 and positions[-1] == length - 1
    gaps = np.diff(positions)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


def test_evenly_spaced_of_nothing():
    assert evenly_spaced(0, 5) == [] == evenly_spaced(5, 0)
    assert evenly_spaced(5, 1) == [2]


def test_small_frames_grow_by_whole_pixels():
    small = np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    assert np.array_equal(fit_cell(small, 70, 99), np.kron(small, np.ones((3, 3, 1))))
    assert fit_cell(frame(9, 200, 300), 150, 999).shape == (100, 150, 3)


def test_geometry():
    rows = [
        SheetRow('first', {'x': [frame(10), frame(20), frame(30)]}, ['a', 'b', 'c']),
        SheetRow('second', {'x': [frame(40, 40, 20), frame(50, 40, 20)]}),
    ]
    sheet = contact_sheet(rows, cell_width=120)
    assert sheet.shape[1] == 8 + 3 * 128
    for value, column in ((10, 0), (20, 1), (30, 2), (40, 0), (50, 1)):
        y0, y1, x0, x1 = extent(sheet, value)
        assert x0 == 8 + 128 * column
        # 3 x 40 wide; 3 x 40 high (at most 1.25 times the width) and 3 x 20 wide.
        assert (y1 - y0, x1 - x0) == ((60, 120) if value < 40 else (120, 60))
    assert extent(sheet, 10)[:2] == extent(sheet, 30)[:2]
    assert extent(sheet, 40)[0] > extent(sheet, 10)[1]


def test_strips_stand_below_each_other():
    strips = {'ground truth': [frame(10), frame(20)], 'prediction': [frame(30)]}
    sheet = contact_sheet([SheetRow('video', strips)], cell_width=80)
    truth, prediction = extent(sheet, 10), extent(sheet, 30)
    assert truth[2:] == prediction[2:]
    assert prediction[0] > truth[1]
    # Its caption, dark on white, is between them.
    assert sheet[truth[1] : prediction[0]].min() < 160


def test_no_frames():
    with pytest.raises(ValueError, match='at least one frame'):
        contact_sheet([SheetRow('video', {'x': []})])


def test_a_long_row_goes_on_below():
    """Both strips of a moment stay together, line after line."""
    strips = {
        'ground truth': [frame(v) for v in (10, 20, 30, 40, 50)],
        'prediction': [frame(v) for v in (60, 70, 80, 90, 100)],
    }
    row = SheetRow('video', strips, list('abcde'))
    sheet = contact_sheet([row], cell_width=80, columns=2)
    assert sheet.shape[1] == 8 + 2 * 88
    places = [extent(sheet, v) for v in range(10, 110, 10)]
    truth, found = places[:5], places[5:]
    for i in range(5):
        assert truth[i][2] == found[i][2] == 8 + 88 * (i % 2)
        assert truth[i][1] < found[i][0]
        if i >= 2:
            assert truth[i][0] > found[i - 2][1]
    # The captions of the first line are between it and the second.
    assert sheet[found[1][1] : truth[2][0], :40].min() < 160


@pytest.mark.parametrize(('columns', 'cell_width'), [(2, 100), (4, 320), (12, 480)])
def test_letters_can_be_read_when_the_whole_page_is_seen(columns, cell_width):
    rows = [SheetRow('HHHH', {'x': [frame(10)] * columns}, ['HHHH'])]
    sheet = contact_sheet(rows, cell_width)
    seen = min(1.0, 1280 / sheet.shape[1])
    top, bottom, *_ = extent(sheet, 10)
    for band in (sheet[:top], sheet[bottom:]):
        lines = np.flatnonzero((band < 200).any((1, 2)))
        assert (lines.max() - lines.min() + 1) * seen >= 8


@pytest.mark.parametrize('shape', [(96, 160), (720, 1280), (1920, 1080), (30, 700)])
def test_letters_on_a_frame_have_their_size_in_the_cell(shape):
    scale, letters = cell_scale(shape, 320, 13)
    drawn = np.zeros((shape[0] * scale, shape[1] * scale, 3), np.uint8)
    cell = fit_cell(drawn, 320, cell_height_of(shape, 320))
    assert letters * cell.shape[1] / drawn.shape[1] == pytest.approx(13, rel=0.05)
