"""Targets of InstanceFlow against loops over objects and pixels."""

import numpy as np
import pytest
import torch
from instance_flow_pairs import SHAPE, frame, instances, random_frames, random_masks

from mmvis.models.instance_flow.affinity_field_criterion import affinity_field
from mmvis.models.instance_flow.targets import InstanceFlowTargets

STRIDE = 4
ROWS, COLUMNS = SHAPE[0] // STRIDE, SHAPE[1] // STRIDE
CELLS = [(r, c) for r in range(ROWS) for c in range(COLUMNS)]


def make(frames, stride=STRIDE):
    return InstanceFlowTargets.make(frames, SHAPE, stride, torch.device('cpu'))


def objects_of(frames):
    """(frame, id, label, mask) of all objects, in the order of the frames."""
    return [
        (b, int(i), int(label), mask)
        for b, sample in enumerate(frames)
        for i, label, mask in zip(
            sample.gt_instances.instances_ids,
            sample.gt_instances.labels,
            sample.gt_instances.masks.masks,
            strict=True,
        )
    ]


def centre(mask):
    y, x = np.nonzero(mask)
    return np.array([x.mean() + 0.5, y.mean() + 0.5]) if len(x) else np.zeros(2)


def brute_force(frames):
    """Per frame and cell: owner, offsets (intra, inter) and the inter mask."""
    objects = objects_of(frames)
    owner = np.full((len(frames), ROWS, COLUMNS), -1)
    intra = np.zeros((len(frames), 2, ROWS, COLUMNS))
    inter, shared = intra.copy(), owner >= 0
    for b, (r, c) in ((b, cell) for b in range(len(frames)) for cell in CELLS):
        place = np.s_[r * STRIDE : (r + 1) * STRIDE, c * STRIDE : (c + 1) * STRIDE]
        shares = {k: int(o[3][place].sum()) for k, o in enumerate(objects) if o[0] == b}
        if 2 * sum(shares.values()) < STRIDE**2:
            continue
        best = min(shares, key=lambda k: (-shares[k], k))
        pixel = np.array([c + 0.5, r + 0.5]) * STRIDE
        owner[b, r, c] = best
        intra[b, :, r, c] = centre(objects[best][3]) - pixel
        for other in objects:
            if other[:2] == (b ^ 1, objects[best][1]):
                shared[b, r, c] = True
                inter[b, :, r, c] = centre(other[3]) - pixel
    return owner, intra, inter, shared


@pytest.mark.parametrize('seed', range(4))
def test_against_loops(seed):
    frames = random_frames(seed)
    targets = make(frames)
    owner, intra, inter, shared = brute_force(frames)
    np.testing.assert_array_equal(targets.owner, owner)
    assert targets.counted.all()
    np.testing.assert_array_equal(targets.foreground, owner >= 0)
    np.testing.assert_allclose(targets.offsets(targets.centers), intra, atol=1e-4)
    found = targets.of_owner(targets.in_reference) & targets.foreground
    np.testing.assert_array_equal(found, shared)
    offsets = targets.offsets(targets.reference_centers) * found[:, None]
    np.testing.assert_allclose(offsets, inter, atol=1e-4)
    labels = [o[2] for o in objects_of(frames)] + [5]
    np.testing.assert_array_equal(targets.semantic(5), np.array(labels)[owner])


@pytest.mark.parametrize('seed', range(4))
def test_heatmap_against_loops(seed):
    frames, sigma = random_frames(seed), 5.0
    expected = np.zeros((len(frames), ROWS, COLUMNS))
    for b, _, _, mask in objects_of(frames):
        if not mask.any():
            continue
        for r, c in CELLS:
            away = np.array([c + 0.5, r + 0.5]) * STRIDE - centre(mask)
            value = np.exp(-(away @ away) / (2 * sigma**2))
            expected[b, r, c] = max(expected[b, r, c], value)
    np.testing.assert_allclose(make(frames).heatmap(sigma), expected, atol=1e-5)


def test_random_frames_are_worth_it():
    shared = [brute_force(random_frames(seed))[3].any() for seed in range(4)]
    assert sum(shared) >= 2
    owners = [brute_force(random_frames(seed))[0] for seed in range(4)]
    assert max(owner.max() for owner in owners) >= 5


def test_objects_of_different_videos_are_different():
    rng = np.random.default_rng(0)
    frames = [frame(random_masks(rng, 2), [1, 2], video_id=v) for v in (7, 8)]
    assert not make(frames).in_reference.any()
    frames[1].set_metainfo(dict(video_id=7))
    assert make(frames).in_reference.all()


def test_no_object_at_all():
    targets = make([frame([], []), frame([], [])])
    assert not targets.foreground.any()
    assert (targets.semantic(5) == 5).all()
    for maps in (
        targets.heatmap(4.0),
        targets.offsets(targets.centers),
        targets.offsets(targets.reference_centers),
    ):
        assert not maps.any()


def test_an_object_without_a_pixel_leaves_no_trace():
    masks = np.zeros((2, *SHAPE))
    masks[1, 8:20, 8:20] = 1
    with_it, without = make([frame(masks, [3, 4])]), make([frame(masks[1:], [4])])
    assert (with_it.owner.clamp(max=0) == without.owner).all()
    torch.testing.assert_close(with_it.heatmap(4.0), without.heatmap(4.0))


def test_an_object_without_a_pixel_is_no_reference_and_has_none():
    """It has no centre to point to or to come from."""
    masks = np.zeros((2, *SHAPE))
    masks[0, 8:20, 8:20] = 1
    targets = make([frame(masks[:1], [3]), frame(masks[1:], [3])])
    assert targets.in_reference.tolist() == [False, False]
    assert not affinity_field(targets, 8.0).any()


def test_padding_and_ignored_objects_do_not_count():
    ignored_mask = np.zeros((2, *SHAPE))
    ignored_mask[0, 0:4, 0:6] = 1  # of the second, the box alone is known
    boxes = [[0.0, 0, 6, 4], [20.0, 8, 30, 16]]
    sample = frame([], [], instances(ignored_mask, [8, 9], boxes), img_shape=(24, 43))
    counted = make([sample]).counted[0]
    expected = np.ones((ROWS, COLUMNS), bool)
    for r, c in CELLS:
        x, y = (c + 0.5) * STRIDE, (r + 0.5) * STRIDE
        expected[r, c] = y < 24 and x < 43
        if r == 0 and c < 2:
            expected[r, c] = False
        if 20 <= x < 30 and 8 <= y < 16:
            expected[r, c] = False
    np.testing.assert_array_equal(counted, expected)
    assert not counted.all() and counted.any()


def test_ignored_masks_without_padding():
    """The data preprocessor pads the masks of targets alone."""
    from mmdet.structures.mask import BitmapMasks

    ignored = instances(np.ones((1, *SHAPE)), [9])
    ignored.masks = BitmapMasks(np.ones((1, 20, 30), np.uint8), 20, 30)
    counted = make([frame([], [], ignored, img_shape=(20, 30))]).counted[0]
    assert not counted.any()


def test_another_stride_has_the_same_centres():
    frames = random_frames(1)
    torch.testing.assert_close(make(frames, 8).centers, make(frames).centers)
    assert make(frames, 8).owner.shape == (4, ROWS // 2, COLUMNS // 2)


@pytest.mark.parametrize(
    ('shape', 'stride', 'words'),
    [((64, 96), 4, 'pad_mask=True'), (SHAPE, 5, 'pad_size_divisor')],
)
def test_sizes_that_do_not_fit(shape, stride, words):
    frames = [frame(np.zeros((1, *SHAPE)), [1], video_id=7)]
    with pytest.raises(ValueError, match=words):
        InstanceFlowTargets.make(frames, shape, stride, torch.device('cpu'))
