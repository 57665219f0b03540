"""A frame's result is what was put in, checked, in every form."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from mmvis.structures import encode_masks
from mmvis.structures.frame_result import FrameResult, labels_of

NAMES = ('dog', 'cat', 'owl')


def masks(number: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((number, 20, 30)) > 0.7


def make(**changes) -> FrameResult:
    fields = dict(
        frame_id=7,
        size=(20, 30),
        bboxes=[[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 30, 20]],
        scores=[0.9, 0.2, 0.5],
        labels=[2, 0, 2],
        ids=[4, 0, 9],
        rles=encode_masks(masks()),
        class_names=NAMES,
    )
    return FrameResult(**fields | changes)


def test_masks_are_decoded_when_asked_for():
    result = make()
    assert 'masks' not in vars(result)
    assert (result.masks == masks()).all()
    assert result.masks is result.masks


@pytest.mark.parametrize('encoded', [True, False])
def test_from_what_a_model_gives(encoded):
    instances = InstanceData(
        bboxes=torch.rand(3, 4, dtype=torch.bfloat16),
        scores=torch.rand(3),
        labels=torch.tensor([0, 1, 2]),
        instances_id=torch.tensor([5, 3, 1]),
        class_scores=torch.rand(3, 3),
    )
    bits = torch.from_numpy(masks())
    instances['masks'] = encode_masks(bits) if encoded else bits
    result = FrameResult.from_instances(0, (20, 30), instances, NAMES)
    assert result.ids.tolist() == [5, 3, 1] and result.names == list(NAMES)
    assert (result.masks == masks()).all() and result.bboxes.dtype == np.float32
    fields = result.to_tracks()
    assert fields['instances_id'].tolist() == [5, 3, 1]
    assert fields['class_scores'].shape == (3, 3)


@pytest.mark.parametrize(
    ('index', 'ids'),
    [
        (slice(1, None), [0, 9]),
        (np.array([True, False, True]), [4, 9]),
        ([2, 0], [9, 4]),
        (1, [0]),
        ([], []),
    ],
)
def test_some_of_the_instances(index, ids):
    result = make()[index]
    assert result.ids.tolist() == ids and len(result) == len(ids)
    rows = [[4, 0, 9].index(i) for i in ids]
    assert (result.masks == masks()[rows]).all()


def test_by_score_and_class():
    assert make().above(0.5).ids.tolist() == [4, 9]
    assert make().of_classes(['owl']).ids.tolist() == [4, 9]
    assert make().of_classes([0]).names == ['dog']
    assert labels_of(['2', 1], None) == [2, 1]
    assert labels_of('owl', NAMES) == labels_of([np.int64(2)], NAMES) == [2]
    for wrong in ("'wolf'", 3, -1, "'1'"):
        with pytest.raises(
            ValueError, match=f'no class {wrong}; those are dog, cat, owl'
        ):
            make().of_classes([wrong.strip("'") if isinstance(wrong, str) else wrong])


def test_results_can_be_looked_for_in_a_list():
    one, other = make(), make()
    assert [other, one].index(one) == 1 and len({one, other}) == 2


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(scores=[0.1, 0.2]), 'frame 7: fields of different lengths'),
        (dict(ids=[1, 1, 2]), 'an id occurs twice'),
        (dict(labels=[0, 1, 3]), 'for 3 class names'),
        (dict(labels=[0, 1, -1]), 'for 3 class names'),
        (dict(scores=[0.1, np.nan, 0.2]), 'not finite'),
        (dict(size=(30, 20)), r'a mask of size \[20, 30\], the frame is \[30, 20\]'),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_json_has_the_masks_and_what_json_knows():
    import json

    rows = json.loads(json.dumps(make().to_json()))
    assert [(r['id'], r['name']) for r in rows] == [(4, 'owl'), (0, 'dog'), (9, 'owl')]
    for row, mask in zip(rows, masks(), strict=True):
        assert (mask_util.decode(row['segmentation']) == mask).all()
    assert make(class_names=None).names == ['2', '0', '2']


def test_supervision_gets_every_field(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'supervision', None)
        with pytest.raises(ImportError, match='pip install supervision'):
            make().to_supervision()
    stand_in = ModuleType('supervision')
    stand_in.Detections = lambda **fields: fields
    monkeypatch.setitem(sys.modules, 'supervision', stand_in)
    fields = make().to_supervision()
    assert fields['tracker_id'].tolist() == [4, 0, 9]
    assert (fields['mask'] == masks()).all()
    assert fields['data']['class_name'].tolist() == ['owl', 'dog', 'owl']
