"""Result files: what is written is in order, and each fault is found."""

import copy
import json
import re
import runpy
import sys
import zipfile
from pathlib import Path

import pytest
from prediction_factory import box_mask, write_ground_truth
from pycocotools import mask as mask_utils
from random_cases import HEIGHT, WIDTH, to_annotation, to_result

from mmvis.evaluation import check_submission, evaluate_results, write_submission

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


@pytest.fixture
def ann_file(tmp_path):
    annotations = [to_annotation(1, 4, 9, [box_mask(0, 0), None])]
    return write_ground_truth(tmp_path, {4: 2}, annotations, [9])


RESULTS = [to_result(4, 9, 0.5, [box_mask(0, 0), None]), to_result(4, 9, 0, [None] * 2)]


def write(tmp_path, results):
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    return path


def test_written_submission_is_in_order_and_evaluates(tmp_path, ann_file):
    packed = copy.deepcopy(RESULTS)
    rle = packed[0]['segmentations'][0]
    rle['counts'] = rle['counts'].encode()
    paths = write_submission(iter(packed), tmp_path / 'new' / 'run1')
    assert [p.name for p in paths] == ['run1.json', 'run1.zip']
    assert json.loads(paths[0].read_text()) == RESULTS
    assert zipfile.ZipFile(paths[1]).namelist() == ['results.json']
    for path in paths:
        assert check_submission(path, ann_file) == []
        assert evaluate_results(str(path), ann_file)['AP'] == pytest.approx(1.0)
    empty = write_submission([], tmp_path / 'empty')
    assert check_submission(empty[0], ann_file) == []


def test_a_score_that_is_not_finite_is_not_written(tmp_path):
    with pytest.raises(ValueError, match='JSON compliant'):
        write_submission([to_result(4, 9, float('nan'), [None])], tmp_path / 'bad')


def test_list_counts_evaluate_and_damaged_ones_are_refused(ann_file):
    mask = RESULTS[0]['segmentations'][0]
    runs, value = [0], 0
    for pixel in mask_utils.decode(mask).ravel(order='F').tolist():
        if pixel != value:
            runs, value = [*runs, 0], pixel
        runs[-1] += 1
    results = copy.deepcopy(RESULTS)
    results[0]['segmentations'][0] = {'size': mask['size'], 'counts': runs}
    assert evaluate_results(results, ann_file) == evaluate_results(RESULTS, ann_file)
    for counts in ('zzz', [1, 2], mask['counts'] + '1'):
        results[0]['segmentations'][0] = {'size': mask['size'], 'counts': counts}
        with pytest.raises(ValueError, match=r'result 0 \(video 4\), frame 0: the'):
            evaluate_results(results, ann_file)


def changed(**fields):
    return [RESULTS[0] | fields]


MASK = RESULTS[0]['segmentations'][0]
FAULTS = [
    (changed(video_id=5), 'no video 5'),
    (changed(video_id='4'), "no video '4'"),
    (changed(video_id=True), 'no video True'),
    (changed(category_id=0), 'no category 0'),
    (changed(category_id=9.0), r'no category 9\.0'),
    (changed(score=1.5), 'not within'),
    (changed(score=float('nan')), 'not within'),
    (changed(score='0.5'), 'no number'),
    (changed(score=True), 'no number'),
    (changed(segmentations=[MASK]), '1 segmentations for 2 frames'),
    (changed(segmentations=[MASK] * 3), '3 segmentations for 2 frames'),
    (changed(segmentations=None), 'no list'),
    (changed(segmentations=[None, []]), 'frame 1: .*neither null'),
    (changed(segmentations=[None, MASK | {'counts': [80]}]), 'compressed'),
    (changed(segmentations=[MASK | {'size': [WIDTH, HEIGHT]}, None]), 'frame 0.*size'),
    (changed(segmentations=[MASK | {'counts': '0'}, None]), 'add up to 0'),
    (changed(segmentations=[MASK | {'counts': 'zzz'}, None]), 'frame 0.*counts'),
    ([{'video_id': 4}], 'no category_id, score, segmentations'),
    ([[]], 'not an object'),
    ({'annotations': []}, 'no list of results'),
]


@pytest.mark.parametrize(('results', 'fault'), FAULTS)
def test_each_fault_is_found_once(tmp_path, ann_file, results, fault):
    faults = check_submission(write(tmp_path, results), ann_file)
    assert len(faults) == 1 and re.search(fault, faults[0]), faults


def test_files_that_are_none(tmp_path, ann_file):
    path = tmp_path / 'results.json'
    path.write_text('[{')
    assert len(check_submission(path, ann_file)) == 1
    assert len(check_submission(tmp_path / 'nowhere.json', ann_file)) == 1
    (tmp_path / 'text.zip').write_text('[]')
    assert 'not a zip' in check_submission(tmp_path / 'text.zip', ann_file)[0]
    with zipfile.ZipFile(tmp_path / 'deep.zip', 'w') as archive:
        archive.writestr('folder/results.json', '[]')
    assert 'at the root' in check_submission(tmp_path / 'deep.zip', ann_file)[0]


def test_the_server_needs_no_annotations_to_check(tmp_path, ann_file):
    content = json.loads(Path(ann_file).read_text())
    del content['annotations']
    Path(ann_file).write_text(json.dumps(content))
    assert check_submission(write(tmp_path, RESULTS), ann_file) == []
    with pytest.raises(ValueError, match='no annotations'):
        evaluate_results(RESULTS, ann_file)


@pytest.mark.parametrize(
    ('result', 'reason'),
    [
        (to_result(5, 9, 0.5, [None] * 2), 'no such video'),
        (to_result(4, 0, 0.5, [None] * 2), 'no category 0'),
        (to_result(4, 9, float('inf'), [None] * 2), 'score is inf'),
        (to_result(4, 9, 0, [None] * 2) | {'score': None}, 'score is None'),
        (to_result(4, 9, 0, []) | {'segmentations': [None, [1]]}, 'frame 1: .*neither'),
        ({'video_id': 4, 'category_id': 9}, 'no score, segmentations'),
        (to_result(4, 9, 0.5, [None]), r'video 4\): 1 segmentations .* 2 frames'),
        (to_result(4, 9, 0.5, [None, box_mask(0, 0)[1:]]), 'frame 1: .*size'),
    ],
)
def test_evaluation_refuses_what_does_not_fit(ann_file, result, reason):
    """The official code drops the tail of the longer list without a word."""
    with pytest.raises(ValueError, match=reason):
        evaluate_results([*RESULTS, result], ann_file)


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Run a command in this process: exit code, standard output and error."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOLS / name), run_name='__main__')
        return ended.value.code, *capsys.readouterr()

    return run


def test_commands(tmp_path, ann_file, run_tool):
    path = write(tmp_path, RESULTS)
    assert run_tool('check_submission.py', path, ann_file)[0] == 0
    out = tmp_path / 'metrics.json'
    code, text, _ = run_tool(
        'eval_results.py', path, ann_file, '--classwise', '--out', out
    )
    assert code == 0 and '1.000' in text and 'category 9' in text
    numbers = json.loads(out.read_text())
    assert numbers['AP'] == pytest.approx(1.0) and numbers['AP_l'] is None
    ranges = ('--area-range', 'all', 0, 1, '--area-unit', 'frame')
    assert 'AP_all' in run_tool('eval_results.py', path, ann_file, *ranges)[1]

    odd = json.loads(path.read_text())
    for result in odd:
        for mask in filter(None, result['segmentations']):
            mask['counts'] = str(mask['counts'].encode())
    (tmp_path / 'odd.json').write_text(json.dumps(odd))
    words = (tmp_path / 'odd.json', ann_file)
    code, _, error = run_tool('eval_results.py', *words)
    assert code == 1 and '--repair' in error
    code, text, _ = run_tool('eval_results.py', *words, '--repair', tmp_path / 'r.json')
    assert code == 0 and 'masks repaired' in text and '1.000' in text
    assert json.loads((tmp_path / 'r.json').read_text()) == json.loads(path.read_text())

    path = write(tmp_path, FAULTS[0][0])
    code, text, _ = run_tool('check_submission.py', path, ann_file)
    assert code == 1 and 'no video 5' in text
    code, _, error = run_tool('eval_results.py', path, ann_file)
    assert code == 1 and 'no such video' in error


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    def results(count):
        yield {'video_id': 1, 'category_id': 1, 'score': 0.5, 'segmentations': [None]}
        if count > 1:
            raise OSError(28, 'No space left on device')

    json_path, zip_path = write_submission(results(1), tmp_path / 'results')
    before = json_path.read_bytes(), zip_path.read_bytes()
    with pytest.raises(OSError, match=r'results\.json cannot be written: No space'):
        write_submission(results(2), tmp_path / 'results')
    assert (json_path.read_bytes(), zip_path.read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == [json_path, zip_path]
