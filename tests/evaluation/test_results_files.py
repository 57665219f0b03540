"""Results that cannot be used are refused in one sentence, whatever is wrong."""

import json
import zipfile

import cv2
import numpy as np
import pytest
from error_scenes import SCENES, Scene

from mmvis.engine.command_line import user_message
from mmvis.evaluation import evaluate_results
from mmvis.evaluation.error_analysis import analyze_errors
from mmvis.evaluation.error_analysis.report import write_report
from mmvis.evaluation.evaluate_results import repair_results
from mmvis.structures import AnnotationWarning


@pytest.fixture
def scene() -> Scene:
    return Scene().add(*SCENES['too short'][:2])


def refused(results, truth) -> str:
    with pytest.raises((ValueError, OSError)) as raised:
        evaluate_results(results, truth)
    message = user_message(raised.value)
    assert message is not None and '\n' not in message
    return message


@pytest.mark.parametrize(
    'change, said',
    [
        (dict(segmentations=None), 'its segmentations are no list'),
        (dict(segmentations=3), 'its segmentations are no list'),
        (dict(video_id=[1]), 'has no such video'),
        (dict(category_id={}), 'has no category {}'),
        (dict(score='0.5'), "the score is '0.5', no finite number"),
    ],
)
def test_entries_of_another_kind(scene, change, said):
    result = {**scene.results[0], **change}
    assert said in refused([result], scene.truth)


def test_masks_of_another_kind(scene):
    for mask in (5, {'size': None, 'counts': 'x'}, {'size': 3, 'counts': 'x'}):
        masks = [mask, *scene.results[0]['segmentations'][1:]]
        result = {**scene.results[0], 'segmentations': masks}
        assert 'frame 0: the mask' in refused([result], scene.truth)


def test_files_of_another_kind(scene, tmp_path):
    bad = tmp_path / 'latin.json'
    bad.write_bytes('[{"a": "é"}]'.encode('latin-1'))
    assert 'latin.json' in refused(bad, scene.truth)
    bad = tmp_path / 'cut.zip'
    bad.write_bytes(b'PK\x03\x04 and no more')
    assert 'cut.zip' in refused(bad, scene.truth)
    with zipfile.ZipFile(tmp_path / 'other.zip', 'w') as archive:
        archive.writestr('a/results.json', '[]')
    assert 'no results.json at its root' in refused(tmp_path / 'other.zip', scene.truth)
    assert 'is a folder, not a results file' in refused(tmp_path, scene.truth)


def test_ids_of_another_type_are_matched(scene, tmp_path):
    expected = evaluate_results(scene.results, scene.truth)['AP']
    assert expected is not None
    for kind in (str, float):
        results = [
            {
                **r,
                'video_id': kind(r['video_id']),
                'category_id': kind(r['category_id']),
            }
            for r in scene.results
        ]
        with pytest.warns(AnnotationWarning, match='of another type'):
            assert evaluate_results(results, scene.truth)['AP'] == expected
    both = [*scene.truth['videos'], {**scene.truth['videos'][0], 'id': '1'}]
    truth = {**scene.truth, 'videos': both}
    third = [
        {**scene.results[0], 'video_id': 1.5},
        {**scene.results[0], 'video_id': '3'},
    ]
    for result in third:
        assert 'has no such video' in refused([result], truth)


def test_a_byte_order_mark_is_no_matter(scene, tmp_path):
    text = json.dumps(scene.results, default=lambda counts: counts.decode())
    (tmp_path / 'r.json').write_text(text, encoding='utf-8-sig')
    with zipfile.ZipFile(tmp_path / 'r.zip', 'w') as archive:
        archive.write(tmp_path / 'r.json', 'results.json')
    expected = evaluate_results(scene.results, scene.truth)
    for name in ('r.json', 'r.zip'):
        assert evaluate_results(tmp_path / name, scene.truth) == expected


def test_python_text_of_counts_is_named_and_repaired(scene):
    def as_text(mask):
        counts = mask['counts']
        packed = counts if isinstance(counts, bytes) else counts.encode()
        return {**mask, 'counts': str(packed)}

    results = [
        {**r, 'segmentations': [m and as_text(m) for m in r['segmentations']]}
        for r in scene.results
    ]
    count = sum(m is not None for r in results for m in r['segmentations'])
    said = refused(results, scene.truth)
    assert 'write rle["counts"].decode() instead' in said and '--repair' in said
    assert repair_results(results) == count > 0
    assert evaluate_results(results, scene.truth) == evaluate_results(
        scene.results, scene.truth
    )


def test_frames_of_another_size_are_named(scene, tmp_path):
    truth = scene.truth
    for name in truth['videos'][0]['file_names']:
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((7, 9, 3), dtype=np.uint8))
    analysis = analyze_errors(scene.results, truth)
    with pytest.raises(ValueError, match=r"\.jpg' in '.*images' has 7 x 9 px, but its"):
        write_report(analysis, tmp_path / 'a.html', str(tmp_path / 'images'))
    assert not (tmp_path / 'a.html').exists()
