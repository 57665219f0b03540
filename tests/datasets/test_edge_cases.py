"""Every edge case on purpose: what loading and validating do with it."""

import re
import warnings

import numpy as np
import pytest
from edge_cases import EDGE_CASES, HEIGHT, WIDTH
from odd_files import ODD_FILES

from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.transforms import LoadVISFrame
from mmvis.datasets.validation import check_annotation_file, check_frames
from mmvis.structures import AnnotationWarning
from mmvis.structures.rle import decode_masks

ALL = EDGE_CASES | ODD_FILES
CASES = [pytest.param(case, id=name) for name, case in ALL.items()]
OPENING = [
    pytest.param(case, id=name) for name, case in ALL.items() if case.opens is None
]


def open_set(vis_set, **kwargs) -> YouTubeVISDataset:
    cfg = vis_set.dataset_cfg(**kwargs)
    cfg.pop('type')
    return YouTubeVISDataset(pipeline=[], **cfg)


def open_case(name: str, root, **kwargs) -> tuple[YouTubeVISDataset, object]:
    vis_set = EDGE_CASES[name].make(root)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AnnotationWarning)
        return open_set(vis_set, **kwargs), vis_set


def masks_of(dataset, video: int) -> dict[int, dict[int, np.ndarray]]:
    """{annotation id: {frame: mask (h, w)}} of the item."""
    found = {}
    for frame, image in enumerate(dataset.get_data_info(video)['images']):
        for instance in image['instances']:
            mask = decode_masks([instance['mask']], image['height'], image['width'])[0]
            found.setdefault(instance['instance_id'], {})[frame] = mask
    return found


def test_there_are_34_cases():
    assert len(EDGE_CASES) == 34


@pytest.mark.parametrize('case', CASES)
def test_validator_finds_exactly_what_is_there(case, tmp_path):
    vis_set = case.make(tmp_path)
    videos, findings = check_annotation_file(str(vis_set.ann_file))
    findings = list(findings)
    for found in check_frames(videos, str(tmp_path / vis_set.prefix), workers=1):
        findings += found
    assert sorted({finding.code for finding in findings}) == sorted(case.codes)
    assert any(finding.is_broken for finding in findings) is not case.legal


@pytest.mark.parametrize('case', CASES)
def test_loader_refuses_repairs_or_loads(case, tmp_path):
    vis_set = case.make(tmp_path)
    for test_mode in (True, False):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            error = case.opens or (None if test_mode else case.trains)
            if error:
                with pytest.raises(ValueError, match=error) as raised:
                    open_set(vis_set, test_mode=test_mode)
                assert str(vis_set.ann_file) in str(raised.value)
                continue
            dataset = open_set(vis_set, test_mode=test_mode)
        assert len(dataset) == case.sizes[not test_mode]
        told = [str(w.message) for w in caught if w.category is AnnotationWarning]
        assert len(told) == (case.warns is not None)
        if case.warns:
            assert re.search(case.warns, told[0])


@pytest.mark.parametrize('case', OPENING)
def test_frames_are_right_or_an_error_names_the_file(case, tmp_path):
    vis_set = case.make(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AnnotationWarning)
        dataset = open_set(vis_set, test_mode=True)

    def read_all():
        for video in range(len(dataset)):
            for image in dataset.get_data_info(video)['images']:
                frame = LoadVISFrame().transform(image)['img']
                assert frame.shape == (image['height'], image['width'], 3)

    if case.frames:
        with pytest.raises((ValueError, FileNotFoundError), match=case.frames):
            read_all()
    else:
        read_all()


def test_null_frames_keep_the_identity(tmp_path):
    dataset, vis_set = open_case('null_middle', tmp_path)
    found = masks_of(dataset, 0)
    assert list(found) == [1] and list(found[1]) == [0, 2]
    assert dataset.get_key_frames(0).tolist() == [0, 2]
    for frame in (0, 2):
        assert (found[1][frame] == vis_set.masks[1][frame]).all()


def test_an_object_null_in_all_frames_is_no_instance(tmp_path):
    dataset, _ = open_case('ann_all_null', tmp_path)
    assert list(masks_of(dataset, 0)) == [1]


def test_polygons_are_rasterised(tmp_path):
    dataset, vis_set = open_case('polygon', tmp_path)
    found = masks_of(dataset, 0)[1]
    assert list(found) == [0, 1]
    for frame in (0, 1):  # the polygon's corners are the rectangle's pixel edges
        assert (found[frame] == vis_set.masks[1][frame]).all()


def test_list_counts_are_the_same_masks(tmp_path):
    dataset, vis_set = open_case('rle_uncompressed', tmp_path)
    found = masks_of(dataset, 0)[1]
    assert found[0][0, 0]
    for frame in range(3):
        assert (found[frame] == vis_set.masks[1][frame]).all()


def test_masks_without_pixels_are_null_and_slivers_are_no_targets(tmp_path):
    training, _ = open_case('zero_area', tmp_path)
    assert list(masks_of(training, 0)[1]) == [0]
    testing, _ = open_case('zero_area', tmp_path, test_mode=True)
    found = masks_of(testing, 0)[1]
    assert list(found) == [0, 2] and found[2].sum() == 1
    everything, _ = open_case('zero_area', tmp_path, min_area=1)
    assert list(masks_of(everything, 0)[1]) == [0, 2]


def test_crowds_are_ignored_not_trained_on(tmp_path):
    dataset, _ = open_case('iscrowd', tmp_path)
    for image in dataset.get_data_info(0)['images']:
        flags = {i['instance_id']: i['ignore_flag'] for i in image['instances']}
        assert flags == {1: 0, 3: 1}


def test_labels_follow_the_file_and_its_ids_come_back(tmp_path):
    dataset, _ = open_case('category_gap', tmp_path)
    assert dataset.metainfo['classes'] == ('dog', 'horse', 'bird')
    assert dataset.metainfo['category_ids'] == (40, 3, 17)
    labels = [
        dataset.get_data_info(v)['images'][0]['instances'][0]['bbox_label']
        for v in (0, 1)
    ]
    assert labels == [0, 1]
    zero, _ = open_case('category_zero', tmp_path)
    assert zero.metainfo['category_ids'] == (3, 0, 19)
    assert zero.get_data_info(0)['images'][0]['instances'][0]['bbox_label'] == 1


def test_repeated_annotation_ids_stay_three_objects(tmp_path):
    dataset, vis_set = open_case('duplicate_annotation_ids', tmp_path)
    first, second = masks_of(dataset, 0), masks_of(dataset, 1)
    assert len(first) == 2 and len(second) == 1 and not first.keys() & second.keys()
    assert (first[1][0] == vis_set.masks[1][0]).all()


def test_masks_stay_with_unsorted_frames(tmp_path):
    dataset, vis_set = open_case('frames_not_sorted', tmp_path)
    item = dataset.get_data_info(0)
    names = [image['file_name'] for image in item['images']]
    assert names == ['v/00010.jpg', 'v/00000.jpg', 'v/00005.jpg']
    for image in item['images']:
        frame = LoadVISFrame().transform(image)['img']
        mask = vis_set.masks[1][image['frame_id']]
        # Shapes are bright, the background is dark.
        assert frame[mask].mean() > frame[~mask].mean() + 20


def test_the_mask_decides_on_presence_and_box(tmp_path):
    dataset, vis_set = open_case('null_disagrees', tmp_path)
    assert list(masks_of(dataset, 0)[1]) == [0, 1]
    outside, vis_set = open_case('bbox_outside', tmp_path)
    for image in outside.get_data_info(0)['images']:
        rows, columns = np.nonzero(vis_set.masks[1][image['frame_id']])
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert image['instances'][0]['bbox'] == tight
        assert tight[2] <= WIDTH and tight[3] <= HEIGHT


def test_lengths_are_those_of_file_names(tmp_path):
    dataset, _ = open_case('length_field_wrong', tmp_path)
    assert [dataset.get_len_per_video(v) for v in (0, 1)] == [3, 3]
    assert dataset.get_data_info(0)['video_length'] == 3


def test_one_frame_video_can_be_sampled(tmp_path):
    dataset, _ = open_case('one_frame', tmp_path)
    item = dataset[0]
    assert item['key_frame_id'] == 0 and item['video_length'] == 1
