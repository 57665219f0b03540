import numpy as np
import pytest
from clip_factory import check_clip, check_frame, make_clip
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import PolygonMasks

from mmvis.datasets.transforms import ClipFixedSizeCrop, ClipRandomCrop
from mmvis.registry import TRANSFORMS

CROPS = [
    dict(type='ClipRandomCrop'),
    dict(type='ClipRandomCrop', min_ious=(), min_visible=0.0),
    dict(type='ClipFixedSizeCrop', crop_size=(30, 41)),
]


@pytest.mark.parametrize('config', CROPS)
@pytest.mark.parametrize('boxes', ['array', 'hbox'])
def test_one_window_for_all_frames_and_rows_stay_aligned(config, boxes):
    crop = TRANSFORMS.build(config)
    cropped = 0
    for seed in range(20):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed), frames=3, boxes=boxes)
        before = clip['img'][0].shape
        areas = [
            dict(zip(ids.tolist(), m.areas.tolist(), strict=True))
            for ids, m in zip(clip['gt_instances_ids'], clip['gt_masks'], strict=True)
        ]
        results = crop(clip)
        check_clip(results)
        cropped += results['img'][0].shape != before
        # A piece smaller than min_visible of the object is ignored, any other is not.
        for frame, ids in enumerate(results['gt_instances_ids']):
            visible = check_frame(results, frame)
            share = np.array([visible[i] / areas[frame][i] for i in ids.tolist()])
            np.testing.assert_array_equal(
                results['gt_ignore_flags'][frame], share < crop.min_visible
            )
            expected = HorizontalBoxes if boxes == 'hbox' else np.ndarray
            assert isinstance(results['gt_bboxes'][frame], expected)
    assert cropped >= 5


@pytest.mark.parametrize('config', CROPS)
def test_key_frame_is_never_emptied(config):
    """One small object: most windows miss it, none may be taken.

    What is ignored is no target, however much a window shows of it.
    """
    crop = TRANSFORMS.build(config)
    for seed in range(40):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed), ids=(12, 11), scatter=30)
        key = clip['key_frame_flags'].index(True)
        if 11 not in clip['gt_instances_ids'][key]:
            continue  # the object was outside before any crop
        clip['gt_ignore_flags'] = [ids == 12 for ids in clip['gt_instances_ids']]
        results = crop(clip)
        assert not results['gt_ignore_flags'][key].all()
        check_clip(results)


def test_object_may_leave_one_frame_only():
    left = stayed = 0
    crop = ClipRandomCrop(min_ious=())
    for seed in range(60):
        np.random.seed(seed)
        results = crop(make_clip(np.random.default_rng(seed), scatter=25))
        first, second = (set(i.tolist()) for i in results['gt_instances_ids'])
        left += first != second
        stayed += bool(first & second)
    assert left > 5 and stayed > 30


def test_least_iou_is_kept(monkeypatch):
    crop = ClipRandomCrop(min_ious=(0.3,), min_crop_size=0.2)
    # Leave the mode that asks for nothing to the last, so that it is never reached.
    monkeypatch.setattr(np.random, 'permutation', lambda n: np.array([1, 0, 2]))
    cropped = 0
    for seed in range(60):
        np.random.seed(seed)
        clip = make_clip(np.random.default_rng(seed), ids=(11, 12))
        key = clip['key_frame_flags'].index(True)
        boxes = clip['gt_bboxes'][key].astype(float).copy()
        height, width = clip['img'][0].shape[:2]
        img = crop(clip)['img'][key]
        if img.shape[:2] == (height, width):
            continue
        cropped += 1
        x1, y1 = img[0, 0, :2]
        x2, y2 = img[-1, -1, :2] + 1
        assert 0.5 <= (y2 - y1) / (x2 - x1) <= 2
        ious = []
        for bx1, by1, bx2, by2 in boxes:
            inter = max(0, min(x2, bx2) - max(x1, bx1)) * max(
                0, min(y2, by2) - max(y1, by1)
            )
            union = (x2 - x1) * (y2 - y1) + (bx2 - bx1) * (by2 - by1) - inter
            ious.append(inter / union)
        assert max(ious) >= 0.3
    assert cropped > 20


def test_same_seed_same_crop():
    crop = ClipRandomCrop()
    results = []
    for _ in range(2):
        np.random.seed(3)
        results.append(crop(make_clip(np.random.default_rng(0))))
    np.testing.assert_array_equal(results[0]['img'], results[1]['img'])


def test_frame_without_objects_and_clip_without_masks():
    np.random.seed(0)
    crop = ClipFixedSizeCrop((30, 40))
    empty = crop(make_clip(np.random.default_rng(0), ids=()))
    assert empty['gt_masks'][0].masks.shape == (0, 30, 40)
    assert plain_shape(empty) == (0, 4)
    clip = make_clip(np.random.default_rng(1))
    del clip['gt_masks']
    results = crop(clip)
    for frame in range(2):
        boxes = results['gt_bboxes'][frame]
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes >= 0).all() and (boxes <= [40, 30, 40, 30]).all()
        assert len(boxes) == len(results['gt_instances_ids'][frame])


def plain_shape(results):
    return results['gt_bboxes'][0].shape


def test_ignored_region_without_mask_goes_by_its_box():
    clip = make_clip(np.random.default_rng(0), ids=(11, 12))
    key = clip['key_frame_flags'].index(True)
    clip['gt_masks'][key].masks[1] = 0
    clip['gt_ignore_flags'][key][1] = True
    clip['gt_bboxes'][key][1] = [0, 0, 96, 72]
    np.random.seed(0)
    results = ClipFixedSizeCrop((30, 40))(clip)
    row = results['gt_ignore_flags'][key].tolist().index(True)
    np.testing.assert_allclose(results['gt_bboxes'][key][row], [0, 0, 40, 30])


def test_frames_smaller_than_the_window_stay_whole_on_that_side():
    results = ClipFixedSizeCrop((200, 40))(make_clip(np.random.default_rng(0)))
    assert results['img'][0].shape == (72, 40, 3)


def test_errors_name_the_video():
    clip = make_clip(np.random.default_rng(0))
    clip['img'][1] = clip['img'][1][:50]
    with pytest.raises(ValueError, match=r'video 5 differ in size \(50x96, 72x96'):
        ClipRandomCrop()(clip)
    clip = make_clip(np.random.default_rng(0))
    clip['gt_masks'] = [PolygonMasks([], 72, 96)] * 2
    with pytest.raises(TypeError, match='video 5 is PolygonMasks'):
        ClipRandomCrop()(clip)
    with pytest.raises(ValueError, match='min_visible'):
        ClipRandomCrop(min_visible=2)
