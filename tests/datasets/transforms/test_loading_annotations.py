import numpy as np
import pytest
from mmdet.datasets.transforms import LoadTrackAnnotations
from pycocotools import mask as mask_utils

from mmvis.datasets.transforms import LoadVISAnnotations


def frame(masks, forms, **extra):
    """A frame whose instance i has masks[i] written in the form forms[i]."""
    instances = []
    for i, (mask, form) in enumerate(zip(masks, forms, strict=True)):
        rle = mask_utils.encode(np.asfortranarray(mask))
        counts = {
            'bytes': rle['counts'],
            'str': rle['counts'].decode(),
            'list': run_lengths(mask),
        }[form]
        instances.append(
            dict(
                bbox=[0, 0, 4, 4],
                bbox_label=i,
                instance_id=2**40 + i,
                ignore_flag=i % 2,
                mask=dict(size=list(mask.shape), counts=counts),
            )
        )
    shape = masks.shape[1:]
    return dict(img_path='v/0.png', ori_shape=shape, instances=instances) | extra


def run_lengths(mask):
    runs, value = [0], 0
    for pixel in mask.ravel('F').tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def test_every_form_of_rle_is_the_same_mask():
    rng = np.random.default_rng(0)
    masks = (rng.random((3, 9, 14)) < 0.5).astype(np.uint8)
    item = frame(masks, ['bytes', 'str', 'list'])
    results = LoadVISAnnotations()(item)
    np.testing.assert_array_equal(results['gt_masks'].masks, masks)
    assert results['gt_ignore_flags'].tolist() == [False, True, False]
    assert results['gt_instances_ids'].tolist() == [2**40, 2**40 + 1, 2**40 + 2]
    assert results['gt_instances_ids'].dtype == np.int64
    assert results['gt_bboxes_labels'].tolist() == [0, 1, 2]
    assert results['gt_bboxes'].dtype == np.float32


def test_frame_without_instances():
    results = LoadVISAnnotations()(frame(np.zeros((0, 9, 14), np.uint8), []))
    assert results['gt_masks'].masks.shape == (0, 9, 14)
    assert results['gt_bboxes'].shape == (0, 4)
    assert results['gt_instances_ids'].shape == (0,)


def test_unusable_polygon_ignores_the_instance_of_this_load_only():
    item = frame(np.ones((1, 9, 14), np.uint8), ['str'])
    item['instances'][0]['mask'] = [[1, 1, 5, 5]]
    results = LoadVISAnnotations()(dict(item))
    assert results['gt_ignore_flags'].tolist() == [True]
    assert item['instances'][0]['ignore_flag'] == 0


def test_errors_name_instance_and_frame():
    item = frame(np.ones((1, 9, 14), np.uint8), ['str'], ori_shape=(14, 9))
    with pytest.raises(ValueError, match=r'v/0\.png has a mask of 9x14 .* 14x9'):
        LoadVISAnnotations()(item)
    item = frame(np.ones((1, 9, 14), np.uint8), ['str'])
    del item['instances'][0]['mask']
    with pytest.raises(ValueError, match=r'Instance 1099511627776 .* no mask'):
        LoadVISAnnotations()(item)
    assert len(LoadVISAnnotations(with_mask=False)(item)['gt_bboxes']) == 1


def test_runs_that_do_not_fill_the_frame_name_instance_and_frame():
    item = frame(np.ones((1, 9, 14), np.uint8), ['list'])
    item['instances'][0]['mask']['counts'] = [3, 4]
    with pytest.raises(ValueError, match=r'v/0\.png: the run lengths add up to 7'):
        LoadVISAnnotations()(item)


def test_polygons_are_rasterised_as_mmdet_does():
    item = frame(np.ones((2, 19, 24), np.uint8), ['str', 'str'])
    polygons = [[2.5, 3, 20, 4, 11, 17.5], [1, 1, 5, 1, 5, 6, 1, 6]]
    item['instances'][0]['mask'] = polygons
    for number, instance in enumerate(item['instances']):
        instance['instance_id'] = number
    expected = LoadTrackAnnotations(with_mask=True)(dict(item))['gt_masks']
    found = LoadVISAnnotations()(dict(item))['gt_masks']
    np.testing.assert_array_equal(found.masks, expected.masks)
    small = found.resize((9, 12)).masks
    np.testing.assert_array_equal(small, expected.resize((9, 12)).masks)
