import copy

import cv2
import numpy as np
import pytest
from clip_factory import brute_box, label_of, make_clip

from mmvis.datasets.transforms import PseudoClip
from mmvis.datasets.transforms.pseudo_clip import (
    affine_matrix,
    warp_boxes,
    warp_masks,
)


def one_frame(seed, **kwargs):
    return make_clip(np.random.default_rng(seed), frames=1, **kwargs)


def read_motion(frame):
    """The affine map from moved to unmoved pixels, fitted to channels 0 and 1."""
    height, width = frame.shape[:2]
    y, x = np.mgrid[:height, :width]
    # The fill colour (negative) blends into the pixels beside it: leave out two rings.
    inside = (frame[..., :2] >= 0).all(axis=2).astype(np.uint8)
    inside = cv2.erode(inside, np.ones((5, 5)), borderValue=1) > 0
    points = np.stack([x[inside], y[inside], np.ones(inside.sum())], axis=1)
    fit, *_ = np.linalg.lstsq(points, frame[inside][:, :2], rcond=None)
    error = np.abs(points @ fit - frame[inside][:, :2]).max()
    return fit.T, error


def test_image_masks_and_ids_move_together():
    """Each pixel of a moved mask shows the object, each other pixel does not."""
    transform = PseudoClip(num_ref_imgs=2, fill=(-1e6, -1e6, -1e6), min_visible=0)
    moved_far = 0
    for seed in range(25):
        np.random.seed(seed)
        clip = one_frame(seed)
        source = copy.deepcopy(clip)
        results = transform(clip)
        assert results['key_frame_flags'] == [True, False, False]
        np.testing.assert_array_equal(results['img'][0], source['img'][0])
        owner = source['img'][0][..., 2]
        height, width = owner.shape
        for frame in range(3):
            back, error = read_motion(results['img'][frame])
            assert error < 0.1  # cv2 interpolates in steps of 1/32 px
            moved_far += np.abs(back - [[1, 0, 0], [0, 1, 0]]).max() > 3
            y, x = np.mgrid[:height, :width]
            at = np.einsum('ij,jhw->ihw', back, np.stack([x, y, np.ones_like(x)]))
            nearest = np.rint(at).astype(int)
            # Half-way pixels may round either way.
            clear = (np.abs(at - nearest) < 0.45).all(axis=0)
            inside = (nearest >= 0).all(axis=0)
            inside &= (nearest[0] < width) & (nearest[1] < height)
            looked_up = np.zeros(owner.shape)
            looked_up[inside] = owner[nearest[1][inside], nearest[0][inside]]
            ids = results['gt_instances_ids'][frame]
            masks = results['gt_masks'][frame].masks
            assert set(np.unique(looked_up[clear])) - {0} <= set(ids.tolist())
            assert masks.any(axis=(1, 2)).all()
            for row, instance_id in enumerate(ids):
                np.testing.assert_array_equal(
                    masks[row][clear] > 0, looked_up[clear] == instance_id
                )
                np.testing.assert_allclose(
                    results['gt_bboxes'][frame][row], brute_box(masks[row])
                )
            np.testing.assert_array_equal(
                results['gt_bboxes_labels'][frame], label_of(ids)
            )
    assert moved_far > 30


def test_objects_leave_the_reference_frame_only():
    transform = PseudoClip(max_translate=0.5, min_visible=0.3)
    fewer = ignored = 0
    for seed in range(40):
        np.random.seed(seed)
        clip = one_frame(seed)
        ids = clip['gt_instances_ids'][0].tolist()
        results = transform(clip)
        assert results['gt_instances_ids'][0].tolist() == ids
        kept = results['gt_instances_ids'][1].tolist()
        assert kept == [i for i in ids if i in kept]
        assert not results['gt_ignore_flags'][1].all()
        fewer += len(kept) < len(ids)
        ignored += bool(results['gt_ignore_flags'][1].any())
    assert fewer > 5 and ignored > 3


def test_an_object_that_shrinks_is_still_a_target():
    """What counts is the share of it that is seen, not its area in pixels."""
    np.random.seed(0)
    still = dict(max_translate=0, max_rotate=0, max_shear=0)
    clip = one_frame(0)
    areas = clip['gt_masks'][0].areas
    results = PseudoClip(scale_range=(0.4, 0.4), min_visible=0.5, **still)(clip)
    assert (results['gt_masks'][1].areas < 0.3 * areas).all()
    assert not results['gt_ignore_flags'][1].any()


def test_hopeless_motion_leaves_the_frame_as_it_is():
    """Every motion throws the object out: the reference is then the key frame."""
    np.random.seed(0)
    transform = PseudoClip(scale_range=(50, 50), max_translate=0)
    clip = one_frame(0, ids=(11,))
    y, x = np.mgrid[:72, :96]
    corner = ((x < 4) & (y < 4)).astype(np.uint8)
    clip['gt_masks'][0].masks[0] = corner
    clip['gt_bboxes'][0][0] = [0, 0, 4, 4]
    results = transform(clip)
    np.testing.assert_array_equal(results['img'][1], results['img'][0])
    np.testing.assert_array_equal(results['gt_masks'][1].masks[0], corner)
    assert results['gt_instances_ids'][1].tolist() == [11]
    assert results['gt_ignore_flags'][1].tolist() == [False]


@pytest.mark.parametrize('scale', [1, 50])
def test_frames_own_their_arrays(scale):
    """Moved or left as it was, a frame shares no array with another one."""
    np.random.seed(0)
    clip = one_frame(0, ids=(11,))
    if scale == 50:
        clip['gt_masks'][0].masks[:, 4:] = 0  # not to be seen after the motion
    results = PseudoClip(num_ref_imgs=2, scale_range=(scale, scale))(clip)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        for key in ('img', 'gt_bboxes', 'gt_bboxes_labels', 'gt_instances_ids'):
            assert not np.shares_memory(results[key][one], results[key][other])
        masks = results['gt_masks']
        assert not np.shares_memory(masks[one].masks, masks[other].masks)


def test_image_without_objects():
    np.random.seed(0)
    results = PseudoClip()(one_frame(0, ids=()))
    assert results['gt_masks'][1].masks.shape == (0, 72, 96)
    assert results['frame_id'] == [0, 1] and results['video_length'] == [2, 2]


def test_affine_matrix_closed_forms():
    size = (5, 9)  # centre (4, 2)
    turn = affine_matrix(size, np.zeros(2), 1, 90, np.zeros(2))
    np.testing.assert_allclose(turn @ [5, 2, 1], [4, 3], atol=1e-12)
    grow = affine_matrix(size, np.array([1, -1]), 3, 0, np.zeros(2))
    np.testing.assert_allclose(grow @ [5, 2, 1], [8, 1])
    shear = affine_matrix(size, np.zeros(2), 1, 0, np.array([45, 0]))
    np.testing.assert_allclose(shear @ [4, 4, 1], [6, 4])


def test_whole_pixel_moves_are_exact():
    rng = np.random.default_rng(0)
    masks = (rng.random((5, 20, 30)) < 0.4).astype(np.uint8)
    shift = np.array([[1, 0, 4], [0, 1, -3.0]])
    expected = np.zeros_like(masks)
    expected[:, :17, 4:] = masks[:, 3:, :26]
    np.testing.assert_array_equal(warp_masks(masks, shift), expected)
    mirror = np.array([[-1, 0, 29], [0, 1, 0.0]])
    np.testing.assert_array_equal(warp_masks(masks, mirror), masks[:, :, ::-1])
    # The box of pixels 2..5 x 1..3, mirrored, is that of pixels 24..27 x 1..3.
    box = np.array([[2, 1, 6, 4]], np.float32)
    np.testing.assert_allclose(warp_boxes(box, mirror), [[24, 1, 28, 4]])
    assert warp_masks(masks[:0], shift).shape == (0, 20, 30)


def test_more_than_one_frame_is_refused():
    with pytest.raises(ValueError, match='given 2 frames of video 5'):
        PseudoClip()(make_clip(np.random.default_rng(0)))
    with pytest.raises(ValueError, match='scale_range'):
        PseudoClip(scale_range=(0, 1))
