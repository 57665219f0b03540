"""The report: one whole HTML file that needs nothing else."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from error_scenes import SCENES, Scene

from mmvis.evaluation.error_analysis import analyze_errors
from mmvis.evaluation.error_analysis.filmstrips import make_filmstrip
from mmvis.evaluation.error_analysis.kinds import KINDS
from mmvis.evaluation.error_analysis.report import write_report
from mmvis.evaluation.error_analysis.wording import headline, sentence
from mmvis.evaluation.error_analysis.worst_cases import worst_cases

ALONE = {'meta', 'img'}  # elements that are not closed


class Checked(HTMLParser):
    """Whether elements close each other, and what the page would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.sources, self.rows = [], [], [[]]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.sources += [v for k, v in attributes if k in ('src', 'href')]
        if tag == 'tr':
            self.rows.append([])
        if tag in ('td', 'th'):
            self.rows[-1].append('')
        if tag not in ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ('td', 'th', 'b'):
            self.rows[-1][-1:] = [''.join(self.rows[-1][-1:]) + data]


@pytest.fixture(scope='module')
def analysis():
    scene = Scene()
    for name, (objects, tracks, *_) in SCENES.items():
        scene.add(objects, tracks, attributes=['<b>&'] if 'label' in name else [])
    return analyze_errors(scene.results, scene.truth)


def test_page_is_whole_and_alone(analysis, tmp_path):
    path = tmp_path / 'new' / 'report.html'
    write_report(analysis, path, files=['<results>.json'])
    page = path.read_text()
    checked = Checked(page)
    assert checked.open == []
    assert all(source.startswith('data:image/jpeg') for source in checked.sources)
    assert len(checked.sources) > 40
    assert not re.search(r'<script|url\(|@import|https?:', page)
    assert 'masks are shown on grey' in page
    for row in checked.rows:
        if row and row[0] in KINDS and len(row) == 6:
            counts = analysis.num_errors([row[0]])
            assert tuple(map(int, row[1:3])) == counts
            assert float(row[3]) == round(100 * analysis.gain((row[0],)), 1)
    assert {row[0] for row in checked.rows if row} >= {*KINDS, 'temporal'}


def test_page_of_nothing(tmp_path):
    scene = Scene().add(*SCENES['right'][:2])
    write_report(analyze_errors(scene.results, scene.truth), tmp_path / 'a.html')
    text = (tmp_path / 'a.html').read_text()
    assert 'No error costs anything' in text and 'By attribute' not in text
    scene = Scene().add([], [])
    write_report(analyze_errors([], scene.truth), tmp_path / 'b.html')
    assert Checked((tmp_path / 'b.html').read_text()).open == []


def test_worst_cases_are_what_the_metric_says(analysis):
    """A single error's gain, against a repair of all errors where it is the only."""
    for name in ('too short', 'nothing there', 'not found', 'wrong label and shifted'):
        scene = Scene().add(*SCENES[name][:2])
        alone = analyze_errors(scene.results, scene.truth)
        for kind, cases in worst_cases(alone, 2).items():
            kinds = [error.kind for error in alone.errors[0]]
            assert len(cases) == kinds.count(kind)
            for case in cases:
                assert case.gain == pytest.approx(alone.gain((kind,)))
    found = worst_cases(analysis, 2)
    for cases in found.values():
        gains = [case.gain for case in cases]
        assert 1 <= len(gains) <= 2 and gains == sorted(gains, reverse=True)


def test_filmstrip_shows_object_above_and_track_below(analysis):
    """On grey, what is not grey is the mask."""
    of_kind = {error.kind: error for errors in analysis.errors for error in errors}
    assert set(of_kind) == set(KINDS)
    for error in of_kind.values():
        video = analysis.overlaps(error.video_id)
        strip = make_filmstrip(analysis, error, None, 2)
        assert 1 <= len(strip.moments) <= 2
        rows = [(strip.tracks, video.present, error.detection)]
        rows += [(strip.objects, video.visible, error.target)]
        for pictures, there, column in rows:
            for moment, picture in zip(strip.moments, pictures, strict=True):
                assert picture.shape[2] == 3 and picture.dtype == np.uint8
                if column is not None and there[moment, column]:
                    assert (picture != picture[-1, -1]).any()


def test_sentences_name_what_went_wrong(analysis):
    assert 'category' in headline(analysis)[1].lower()
    for errors in analysis.errors:
        for error in errors:
            text = sentence(analysis, error)
            assert text.endswith('.')
            if error.kind in ('id switch', 'merge'):
                assert 'also on another object' in text
