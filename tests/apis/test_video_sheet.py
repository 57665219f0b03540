"""Which frames a sheet has: read off their colours."""

import numpy as np
import pytest

from mmvis.apis.video_sheet import VideoSheet
from mmvis.structures.frame_result import FrameResult


def result(index, size, rles=(), **more):
    columns = dict(bboxes=np.zeros((len(rles), 4)), scores=np.ones(len(rles)))
    columns |= dict(labels=np.zeros(len(rles)), ids=np.arange(len(rles)))
    return FrameResult(index, size, rles=tuple(rles), **columns, **more)


def fill(sheet, indices, size=(4, 6)):
    for index in indices:
        image = np.empty((*size, 3), np.uint8)
        image[:] = (index % 256, index // 256, 77)  # no grey: no letter has it
        sheet.add(image, result(index, size))
    return sheet


def shown(page):
    """(index, top, left) of the frames on a page, in reading order."""
    coloured = page[..., 2] == 77
    coloured &= (page[..., 0] != 77) | (page[..., 1] != 77)
    blue, green = page[..., 0].astype(int), page[..., 1].astype(int)
    codes = blue + 256 * green
    places = []
    for code in np.flatnonzero(np.bincount(codes[coloured])):
        rows, columns = np.nonzero(coloured & (codes == code))
        places.append((rows.min(), columns.min(), int(code)))
    return [(index, top, left) for top, left, index in sorted(places)]


def moments(page):
    return [index for index, *_ in shown(page)]


@pytest.mark.parametrize('length', [1, 2, 5, 6, 7, 36, 95, 96, 250, 1000])
def test_a_known_length_is_divided_evenly(length):
    found = moments(fill(VideoSheet(length), range(length)).page('a'))
    assert found == sorted({round(s) for s in np.linspace(0, length - 1, 6)})
    gaps = np.diff(found)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize('stated', [None, 40, 900])
@pytest.mark.parametrize('length', [3, 97, 250, 411, 700])
def test_another_length_too(length, stated):
    """None is stated, too small a one, or the video ends before it."""
    found = moments(fill(VideoSheet(stated), range(length)).page('a'))
    assert found[0] == 0 and found[-1] == length - 1
    wanted = np.linspace(0, length - 1, min(6, length))
    assert np.abs(np.subtract(found, wanted)).max() <= max(0.5, length / 85)


def test_few_cells_are_kept():
    sheet = VideoSheet()
    fill(sheet, range(3000))
    assert len(sheet._cells) <= 96


def test_left_out_frames():
    found = moments(fill(VideoSheet(12), [3, 4, 8, 9]).page('a'))
    assert found == [3, 4, 8, 9]


def test_a_grid_of_three():
    page = fill(VideoSheet(60), range(60)).page('a')
    places = shown(page)
    assert len({top for _, top, _ in places}) == 2
    assert len({left for *_, left in places}) == 3
    assert page.shape[1] <= 1280


def test_tall_frames_fit():
    page = fill(VideoSheet(6), range(6), size=(1600, 900)).page('a')
    assert page.shape[1] <= 1280 and page.shape[0] < 1280
    assert moments(page) == [0, 1, 2, 3, 4, 5]


def test_nothing():
    assert VideoSheet(5).empty
    with pytest.raises(ValueError, match='at least one frame'):
        VideoSheet(5).page('a')
