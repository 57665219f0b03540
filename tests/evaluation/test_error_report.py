"""The report: one whole HTML file that needs nothing else."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from error_scenes import LOWER, SCENES, UPPER, A, B, Scene, only
from random_cases import to_result

from mmvis.evaluation import evaluate_results
from mmvis.evaluation.error_analysis import analyze_errors
from mmvis.evaluation.error_analysis.filmstrips import make_filmstrip, other_tracks
from mmvis.evaluation.error_analysis.kinds import GROUPS, GROUPS_AND_KINDS, KINDS
from mmvis.evaluation.error_analysis.report import write_report
from mmvis.evaluation.error_analysis.tables import format_errors, to_dict
from mmvis.evaluation.error_analysis.wording import headline, sentence
from mmvis.evaluation.error_analysis.worst_cases import worst_cases
from mmvis.evaluation.run_statistics import compare_runs, format_runs
from mmvis.evaluation.summary import format_tables
from mmvis.visualization.colours import id_colour

ALONE = {'meta', 'img', 'wbr'}  # elements that are not closed


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


def fraction(value: float, signed: bool = False) -> str:
    text = f'{value:+.3f}' if signed else f'{value:.3f}'
    return text.replace('+0.000', '0.000').replace('-0.000', '0.000')


def test_cells_are_the_numbers(analysis, tmp_path):
    """Every cell of the tables, against the numbers that other programs get."""
    write_report(analysis, tmp_path / 'a.html', cases_per_kind=0)
    page = (tmp_path / 'a.html').read_text()
    assert 'Worst cases' not in page
    rows = Checked(page.replace('<wbr>', '')).rows
    numbers = to_dict(analysis)
    for key in GROUPS_AND_KINDS:
        said = numbers['kinds'][key]
        (row,) = (row for row in rows if row and row[0] == key and len(row) == 6)
        assert row[1] == fraction(said['gain_AP50'], signed=True)
        assert row[2] == fraction(said['gain_AP'], signed=True)
        assert row[3:5] == [
            str(said['false_positives']),
            str(said['false_negatives']),
        ]
    columns = list(GROUPS_AND_KINDS)
    for part in ('categories', 'attributes'):
        for name, said in numbers[part].items():
            (row,) = (r for r in rows if len(r) == 5 + len(columns) and r[0] == name)
            assert row[2:4] == [
                str(said['false_positives']),
                str(said['false_negatives']),
            ]
            assert row[4] == fraction(said['AP50'])
            cells = [fraction(said[c], signed=True) for c in columns]
            assert [cell or '0.000' for cell in row[5:]] == cells
    names = analysis.category_names
    for name, said in numbers['confusion'].items():
        row = next(r for r in rows if r and r[0] == name)
        for column, other in enumerate(['no track', *names], start=1):
            assert row[column] == str(said.get(other, ''))
    best = max(GROUPS, key=lambda g: numbers['kinds'][g]['gain_AP50'])
    assert headline(analysis)[0].startswith(
        f'Most would be gained by fixing {best} errors alone: AP50 from '
        f'{fraction(numbers["AP50"])} to '
        f'{fraction(numbers["AP50"] + numbers["kinds"][best]["gain_AP50"])}, '
    )


def test_page_and_terminal_have_the_same_numbers(analysis, tmp_path):
    write_report(analysis, tmp_path / 'a.html', cases_per_kind=0)
    rows = Checked((tmp_path / 'a.html').read_text()).rows
    page = {row[0]: row[1:3] for row in rows if len(row) == 6}
    lines = re.findall(
        r'^│ +(.+?) +│ +\d* +│ +\d* +│ +(\S+) │ +(\S+) │$',
        format_errors(analysis),
        re.M,
    )
    assert {name: numbers for name, *numbers in lines} == {
        name: page[name] for name in [*GROUPS_AND_KINDS, *list(page)[-3:]]
    }
    assert any(gain.startswith('+0.') for _, gain, _ in lines)


def test_counts_of_categories_and_attributes_are_parts(analysis):
    """A track counts for its category, an object for its own."""
    whole = analysis.num_errors()
    parts = [analysis.num_errors(category=c) for c in analysis.truth.category_ids]
    assert tuple(np.sum(parts, axis=0)) == whole
    scene = Scene().add(*SCENES['wrong label'][:2], attributes=['a'])
    scene.add(*SCENES['not found'][:2], attributes=['b'])
    alone = analyze_errors(scene.results, scene.truth)
    assert alone.num_errors(category=A) == (0, 2)
    assert alone.num_errors(category=B) == (2, 0)
    assert alone.num_errors(attribute='a') == (2, 1)
    assert alone.num_errors(['missed'], attribute='b') == (0, 1)


def test_names_are_text(tmp_path):
    """Of categories, attributes, videos and files; bytes in another encoding too."""
    evil = '<img src=x>&[/b]'
    scene = Scene().add(*SCENES['too short'][:2], attributes=[evil + 'attribute'])
    truth = scene.truth
    for category in truth['categories']:
        category['name'] = f'{evil}{category["id"]}\udce9'
    video = truth['videos'][0]
    names = [f'{evil}/{t}.jpg' for t in range(video['length'])]
    video['file_names'] = names
    analysis = analyze_errors(scene.results, truth)
    write_report(analysis, tmp_path / 'a.html', files=[evil])
    page = (tmp_path / 'a.html').read_text(encoding='utf-8')
    checked = Checked(page)
    assert checked.open == []
    assert all(source.startswith('data:image/jpeg') for source in checked.sources)
    for text in ('5\\udce9', 'attribute', f'&amp;[/b] (video {video["id"]})'):
        assert text in page.replace('<wbr>', '')
    metrics = evaluate_results(scene.results, truth, classwise=True)
    assert f'{evil}5\\udce9' in format_tables(metrics)
    assert f'{evil}5\\udce9' in format_runs(
        compare_runs({'[/x]': [scene.results]}, truth)
    )


@pytest.mark.parametrize('attributes', [5, 'fast', ['fast', 1]])
def test_attributes_are_lists_of_names(attributes):
    scene = Scene().add(*SCENES['too short'][:2])
    truth = scene.truth
    truth['videos'][0]['attributes'] = attributes
    with pytest.raises(ValueError, match=r'video 1: its attributes are .* no list of'):
        evaluate_results(scene.results, truth)


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


def test_worst_cases_of_many_are_found():
    """A small gain among many objects counts; a rare category goes first."""
    scene = Scene()
    for _ in range(120):
        scene.add([(A, UPPER)], [])
    scene.add([(B, only(LOWER, 0, 1))], [])
    truth = scene.truth
    analysis = analyze_errors([], truth)
    found = worst_cases(analysis, 3, tried=2)['missed']
    assert [case.error.video_id for case in found] == [121]
    assert found[0].gain == pytest.approx(0.5)
    results = [to_result(v, A, 1 - v / 1000, UPPER) for v in range(1, 120)]
    gains = worst_cases(analyze_errors(results, truth), 3)['missed']
    assert len(gains) == 2 and 0 < gains[1].gain < 0.01
    # Of two missed objects of one category alone the larger one is tried.
    scene = Scene().add([(A, only(UPPER, 0, 2))], []).add([(A, UPPER)], [(A, UPPER)])
    scene.add([(A, only(UPPER, 0, 3))], [])
    (case,) = worst_cases(analyze_errors(scene.results, scene.truth), 1, tried=1)[
        'missed'
    ]
    assert case.error.video_id == 3


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


@pytest.mark.parametrize('name', ['nothing there', 'wrong label', 'three parts'])
def test_a_filmstrips_first_track_has_its_objects_colour(name):
    """Read off the pixels: a fill is 0.55 of the grey and 0.45 of the colour."""

    def has(pictures, number):
        fill = 0.55 * 96 + 0.45 * np.array(id_colour(number))
        return any((np.abs(p - fill).max(axis=2) < 1).any() for p in pictures)

    scene = Scene().add(*SCENES[name][:2])
    analysis = analyze_errors(scene.results, scene.truth)
    for error in analysis.errors[0]:
        strip = make_filmstrip(analysis, error, None, 6)
        about = error.target is not None
        assert has(strip.tracks, 1) == about
        if about:
            assert has(strip.objects, 1)
        others = other_tracks(analysis.videos[0], error)
        above = 1 + len(error.related) if about else len(analysis.videos[0].objects)
        assert not any(has(strip.tracks, n) for n in range(2, above + 1))
        wanted = [above + 2 + n for n in range(len(others))] if about else [above + 1]
        assert all(has(strip.tracks, n) for n in wanted)


def test_filmstrips_show_who_has_the_other_parts():
    scene = Scene().add(*SCENES['three parts'][:2])
    analysis = analyze_errors(scene.results, scene.truth)
    (video,), (errors,) = analysis.videos, analysis.errors
    for error in errors:
        assert {error.detection, *other_tracks(video, error)} == {0, 1, 2}
    scene = Scene().add(*SCENES['twice'][:2])
    analysis = analyze_errors(scene.results, scene.truth)
    assert other_tracks(analysis.videos[0], analysis.errors[0][0]) == [0]


def test_sentences_name_what_went_wrong(analysis):
    assert 'category' in headline(analysis)[1].lower()
    for errors in analysis.errors:
        for error in errors:
            text = sentence(analysis, error)
            assert text.endswith('.')
            if error.kind in ('id switch', 'merge'):
                assert 'also on another object' in text
