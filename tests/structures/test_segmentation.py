"""Every form of a mask in a json, right or damaged."""

import pytest
from hypothesis import given, settings
from pycocotools import mask as mask_utils
from random_masks import MASKS, reference, run_lengths_by_loop

from mmvis.structures.segmentation import to_rle


@settings(deadline=None, max_examples=60)
@given(MASKS)
def test_to_rle_takes_every_form_of_an_rle(masks):
    height, width = masks.shape[1:]
    for rle, mask in zip(reference(masks), masks, strict=True):
        packed = rle['counts']
        for counts in (packed, packed.decode(), run_lengths_by_loop(mask)):
            assert to_rle(
                {'size': [height, width], 'counts': counts}, height, width
            ) == (rle)


def test_to_rle_polygons_and_nothing():
    polygons = [[1, 1, 6, 1, 6, 5, 1, 5], [8.5, 2, 9.5, 7.25, 7, 8]]
    expected = mask_utils.merge(mask_utils.frPyObjects(polygons, 10, 12))
    assert to_rle(polygons, 10, 12) == expected
    assert to_rle(polygons[0], 10, 12) == to_rle(polygons[:1], 10, 12)
    # A rectangle of whole pixels has a closed form.
    decoded = mask_utils.decode(to_rle([polygons[0]], 10, 12))
    assert decoded.sum() == 20 and decoded[1:5, 1:6].all()
    for nothing in (None, [], {}):
        assert to_rle(nothing, 10, 12) is None


@pytest.mark.parametrize(
    ('segmentation', 'reason'),
    [
        ({'size': [12, 10], 'counts': [120]}, 'size'),
        ({'size': [10, 12], 'counts': [100]}, 'add up to 100'),
        ({'size': [10, 12], 'counts': [-1, 121]}, 'negative'),
        ({'size': [10, 12], 'counts': []}, 'empty'),
        ({'size': [10, 12], 'counts': [60.5, 59.5]}, 'integers'),
        ({'size': [10, 12], 'counts': [[60], [60]]}, 'integers'),
        ({'size': [10, 12], 'counts': [[60], 60]}, 'integers'),
        ({'size': [10, 12], 'counts': ''}, 'packed'),
        ({'size': [10, 12], 'counts': 'h'}, 'packed'),
        ({'size': [10, 12], 'counts': 'zz~'}, 'packed'),
        ({'size': [10, 12], 'counts': 'ß'}, 'characters'),
        ({'size': [10, 12], 'counts': '0'}, 'add up to 0'),
        ({'size': [10, 12]}, 'neither'),
        ('abc', 'neither'),
        ([[1, 1, 5, 5]], '2 points'),
        ([[1, 1, 5, 5, 7]], 'pairs'),
        ([[1, 1, 5, 'a', 7, 7]], 'numbers'),
        ([[1, 1, 5, float('nan'), 7, 7]], 'finite'),
    ],
)
def test_to_rle_gives_the_reason(segmentation, reason):
    with pytest.raises(ValueError, match=reason):
        to_rle(segmentation, 10, 12)
