"""Hand-made scenes with the right answer, and what goes into a tracker."""

import sys

import numpy as np
import pytest
from processes import run_bounded

from mmvis.structures.rle import encode_masks
from mmvis.tracking import MaskTracker, Outlines

SIZE = (120, 240)
RED, BLUE = np.array([1.0, 0, 0.1]), np.array([0, 1.0, 0.1])


def blob(x: float, y: float = 60, w: float = 20, h: float = 40) -> np.ndarray:
    """An ellipse around a place, px; outside of the frame it is cut."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    return ((columns - x) / (w / 2)) ** 2 + ((rows - y) / (h / 2)) ** 2 <= 1


def stack(*masks: np.ndarray) -> np.ndarray:
    return np.stack(masks) if masks else np.zeros((0, *SIZE), bool)


def test_a_walker_keeps_its_id_and_another_far_off_is_new():
    tracker = MaskTracker()
    for x in range(20, 60, 4):
        assert tracker.update(stack(blob(x))).tolist() == [0]
    # The same label, and looks alike, but three of its sizes away in one frame.
    assert tracker.update(stack(blob(150)), looks=[RED]).tolist() == [1]


def test_looks_alone_do_not_teleport():
    tracker = MaskTracker()
    for x in (20, 22, 24):
        assert tracker.update(stack(blob(x)), looks=[RED]).tolist() == [0]
    assert tracker.update(stack(blob(220)), looks=[RED]).tolist() == [1]
    tracker.reset()
    tracker.update(stack(blob(20)), looks=[RED])
    tracker.skip(10)  # so long that it can have got there
    assert tracker.update(stack(blob(220)), looks=[RED]).tolist() == [0]


def test_two_that_cross_go_on_as_they_went():
    tracker, right, left = MaskTracker(), [], []
    for t in range(20):
        x, z = 30 + 8 * t, 190 - 8 * t
        hidden = abs(x - z) < 15  # the one behind is not found
        masks = stack(blob(x)) if hidden else stack(blob(x), blob(z))
        ids = tracker.update(masks).tolist()
        right.append(ids[0])
        left += ids[1:]
    assert set(right) == {0} and set(left) == {1}


@pytest.mark.parametrize('frames', [60, 90])
def test_an_object_that_left_returns_by_its_looks(frames):
    with_looks, without = MaskTracker(), MaskTracker()
    for x in range(100, 240, 10):
        masks = stack(blob(x), blob(40))
        assert with_looks.update(masks, looks=[RED, BLUE]).tolist() == [0, 1]
        without.update(masks)
    for _ in range(frames):
        with_looks.update(stack(blob(40)), looks=[BLUE])
        without.update(stack(blob(40)))
    masks = stack(blob(40), blob(150, 30))
    assert with_looks.update(masks, looks=[BLUE, RED]).tolist() == [1, 0]
    assert without.update(masks).tolist() == [1, 2]


def test_a_stranger_does_not_get_the_id_of_one_that_left():
    tracker = MaskTracker()
    for x in range(100, 240, 10):
        tracker.update(stack(blob(x)), looks=[RED])
    tracker.skip(60)
    assert tracker.update(stack(blob(150)), looks=[BLUE]).tolist() == [1]


def test_half_an_object_is_no_second_one():
    tracker = MaskTracker()
    for t in range(12):
        x = 40 + 3 * t
        whole = blob(x)
        legs = whole.copy()
        legs[:60] = False
        masks = stack(whole) if t % 3 else stack(whole, legs)
        scores = [0.9, 0.8][: len(masks)]
        assert tracker.update(masks, scores).tolist() == [0, -1][: len(masks)]


def test_the_same_object_found_twice_at_first_is_one():
    tracker = MaskTracker()
    masks = stack(blob(52), blob(50), blob(150))
    assert tracker.update(masks, [0.6, 0.9, 0.7]).tolist() == [-1, 0, 1]
    # Of another label it may be something else, a rider on a horse.
    tracker.reset()
    assert tracker.update(masks, [0.6, 0.9, 0.7], [0, 1, 1]).tolist() == [0, 1, 2]


def test_one_found_twice_does_not_take_the_track_of_another():
    tracker = MaskTracker()
    for x in (60, 62):
        assert tracker.update(stack(blob(x), blob(x + 24))).tolist() == [0, 1]
    # The second is hidden; the first is found twice, once near the other's place.
    masks = stack(blob(64), blob(68))
    assert tracker.update(masks, [0.9, 0.8]).tolist() == [0, -1]
    assert tracker.update(stack(blob(66), blob(90))).tolist() == [0, 1]


def square(x: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[40:80, x : x + 40] = True
    return mask


@pytest.mark.parametrize('scores', [(0.9, 0.8), (0.8, 0.9)])
def test_two_that_were_apart_stay_two_while_they_overlap(scores):
    tracker = MaskTracker()
    # Apart, then at an IoU of 0.43 for long, then apart again.
    for x in [100] * 18 + [76] * 20 + [100] * 5:
        masks = stack(square(60), square(x))
        assert tracker.update(masks, scores).tolist() == [0, 1]
    tracker.reset()
    # Through each other, and out again.
    for x in range(0, 200, 5):
        ids = tracker.update(stack(square(x), square(195 - x)), scores).tolist()
        assert ids == [0, 1]
    # Both found twice: each is one still.
    tracker.reset()
    for x in [*range(116, 76, -4), *[76] * 20]:
        masks = stack(square(60), square(x), square(58), square(x + 2))
        ids = tracker.update(masks, [*scores, 0.7, 0.7]).tolist()
        assert sorted(ids[::2]) == [-1, 0] and sorted(ids[1::2]) == [-1, 1]


def test_of_two_masks_of_an_object_the_one_that_fits_gets_its_id():
    tracker = MaskTracker()
    for x in (60, 62):
        tracker.update(stack(blob(x)))
    masks = stack(blob(71, w=26), blob(64), blob(180))
    assert tracker.update(masks, [0.9, 0.8, 0.7]).tolist() == [-1, 0, 1]


def test_a_mask_of_two_people_does_not_hide_them():
    tracker = MaskTracker()
    left, right = blob(100), blob(119)
    assert tracker.update(stack(left, right)).tolist() == [0, 1]
    masks = stack(left | right, left, right)
    assert tracker.update(masks, [0.9, 0.8, 0.7]).tolist() == [-1, 0, 1]


def test_of_two_tracks_on_one_object_the_older_goes_on():
    whole = blob(100, 60, 40, 60)
    legs = whole.copy()
    legs[:72] = False  # so small a part that it is no copy of the whole
    tracker = MaskTracker(duplicate=2.0)
    for _ in range(10):
        assert tracker.update(stack(whole)).tolist() == [0]
    for _ in range(2):
        assert tracker.update(stack(whole, legs), [0.9, 0.8]).tolist() == [0, 1]
    part = whole.copy()
    part[:62] = False  # somewhat more like the legs than like the whole
    assert tracker.update(stack(part)).tolist() == [0]


def test_two_in_one_mask_are_themselves_again_afterwards():
    tracker = MaskTracker()
    for t in range(26):
        # They meet, stand together in one mask, and part as they came.
        gap = max(abs(t - 13) - 5, 0) * 8
        left, right = blob(110 - gap), blob(130 + gap)
        together = gap == 0
        masks = stack(left | right) if together else stack(left, right)
        ids = tracker.update(masks).tolist()
        assert ids == ([ids[0]] if together else [0, 1]), t
        assert ids[0] in (0, 1)


def test_a_label_changes_on_the_object_only():
    tracker = MaskTracker()
    for t in range(10):
        label = 3 if t in (4, 7) else 1
        ids = tracker.update(stack(blob(50 + 2 * t)), [0.9], [label])
        assert ids.tolist() == [0]
    # Beside it, near enough for a track, but something else.
    assert tracker.update(stack(blob(90)), [0.9], [3]).tolist() == [1]
    assert tracker.update(stack(blob(72), blob(91)), [0.9] * 2, [1, 3]).tolist() == [
        0,
        1,
    ]


def scene(t: int) -> tuple[np.ndarray, list, list]:
    """Three blobs that move, one of which is missing now and then."""
    masks = [blob(30 + 4 * t), blob(200 - 3 * t, 30), blob(120, 90 - 2 * t, 16, 16)]
    kept = [0, 1, 2] if t % 4 else [0, 2]
    return stack(*[masks[k] for k in kept]), [0.9] * len(kept), [k % 2 for k in kept]


def test_all_forms_of_masks_give_the_same_ids():
    torch = pytest.importorskip('torch')
    trackers = [MaskTracker() for _ in range(5)]
    for t in range(16):
        masks, scores, labels = scene(t)
        forms = [
            masks,
            masks.astype(np.uint8) * 255,
            list(masks),
            encode_masks(masks),
            [dict(size=list(SIZE), counts=_runs(mask)) for mask in masks],
        ]
        wanted, *others = [
            tracker.update(form, scores, labels).tolist()
            for tracker, form in zip(trackers, forms, strict=True)
        ]
        assert all(ids == wanted for ids in others)
    assert max(wanted) == 2
    a, b = MaskTracker(), MaskTracker()
    for t in range(4):
        masks, scores, labels = scene(t)
        tensors = [torch.tensor(v) for v in (masks, scores, labels)]
        assert (a.update(*tensors) == b.update(masks, scores, labels)).all()


def _runs(mask: np.ndarray) -> list[int]:
    flat = mask.T.ravel().astype(np.int8)
    places = np.flatnonzero(np.diff(flat, prepend=0))
    return np.diff(places, prepend=0, append=flat.size).tolist()


def test_polygons_and_boxes():
    tracker = MaskTracker(class_names=['cat'])
    for x in (10, 13):
        square = [[x, 20, x + 30, 20, x + 30, 50, x, 50]]
        result = tracker.step([square, [square[0]]], [0.9, 0.5], [0, 0], size=SIZE)
        assert result.ids.tolist() == [0] and result.names == ['cat']
        assert result.masks.sum() == pytest.approx(900, rel=0.1)
    # A mask without a pixel is where its box says.
    masks = np.zeros((1, *SIZE), bool)
    assert tracker.update(masks, boxes=[[16, 20, 46, 50]]).tolist() == [0]
    assert tracker.update(masks).tolist() == [-1]


def test_frames_without_masks_and_the_size():
    tracker = MaskTracker(retain=5)
    with pytest.raises(ValueError, match='how large the frame is'):
        tracker.step(None)
    assert tracker.num_frames == 0
    assert len(tracker.step(None, size=SIZE)) == 0
    assert tracker.step(stack(blob(50))).frame_id == 1
    for _ in range(6):
        assert tracker.update([]).tolist() == []
    assert tracker.update(stack(blob(50))).tolist() == [1]  # forgotten by now
    with pytest.raises(ValueError, match='a video has one size'):
        tracker.update(np.ones((1, 20, 20), bool))


def test_two_trackers_in_turns_are_two_alone():
    def alone(offset: int) -> list:
        tracker = MaskTracker()
        return [tracker.update(*scene(t + offset)).tolist() for t in range(12)]

    first, second, turns = MaskTracker(), MaskTracker(), ([], [])
    for t in range(12):
        turns[0].append(first.update(*scene(t)).tolist())
        turns[1].append(second.update(*scene(t + 3)).tolist())
    assert turns == (alone(0), alone(3))


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (dict(masks=np.ones((2, 4, 4))), 'float64 of shape'),
        (dict(masks=np.ones((4, 4), bool)), 'not \\(n, h, w\\)'),
        (dict(scores=[0.5, 0.5]), '2 scores for 1 masks'),
        (dict(labels=[0.5]), 'labels are float64'),
        (dict(scores=[np.nan]), 'scores are not finite'),
        (dict(looks=[[1.0], [2.0]]), '2 looks for 1 masks'),
        (dict(boxes=[[0, 0, 1, 1]] * 2), '2 boxes for 1 masks'),
        (dict(masks=[[[0, 0, 9, 0, 9, 9]]]), 'Polygons need the size'),
        (dict(masks=[dict(size=[4, 4], counts=[3])]), 'mask 0: '),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(given, words):
    tracker = MaskTracker()
    with pytest.raises(ValueError, match=words):
        tracker.update(**{'masks': np.ones((1, 4, 4), bool), **given})
    assert (tracker.num_frames, tracker.num_tracks) == (0, 0)
    if hasattr(given.get('masks'), 'ndim'):
        with pytest.raises(ValueError, match=words):
            tracker.step(given['masks'])


def test_settings_are_checked():
    with pytest.raises(ValueError, match='gat is no setting; those are gate'):
        MaskTracker(gat=2)
    with pytest.raises(ValueError, match='retain must be at least 1'):
        MaskTracker(retain=0)
    for value in (float('nan'), None, '3'):
        with pytest.raises(
            ValueError, match=f'gate must be a number, but is {value!r}'
        ):
            MaskTracker(gate=value)
    assert MaskTracker(gate=2.0).settings.gate == 2


def test_neither_torch_nor_mmdet_is_imported():
    code = (
        'import sys, numpy as np; from mmvis.tracking import MaskTracker\n'
        'MaskTracker().step(np.ones((1, 9, 9), bool))\n'
        'print({"torch", "mmdet", "mmcv", "mmengine"} & set(sys.modules))'
    )
    done = run_bounded([sys.executable, '-c', code])
    assert done.stdout == 'set()\n', done.stderr


def test_outlines_that_are_known_serve_as_masks():
    rng = np.random.default_rng(0)
    plain, known = MaskTracker(), MaskTracker()
    for t in range(6):
        masks = np.zeros((3, 40, 60), bool)
        for row, mask in enumerate(masks):
            mask[12 * row : 12 * row + 9, 4 + 3 * t : 20 + 3 * t] = True
        masks = masks[rng.permutation(3)]
        ids = plain.update(masks)
        assert ids.tolist() == known.update(Outlines.of_array(masks)).tolist()
    result = known.step(masks, outlines=Outlines.of_array(masks))
    assert result.ids.tolist() == ids.tolist() and len(result.rles) == 3


def test_two_classes_on_one_object_keep_their_tracks():
    """A detector that calls an object a dog and a cat gives two masks, nearly alike."""
    rng = np.random.default_rng(0)
    tracker, labels_of = MaskTracker(), {}
    for t in range(30):
        masks = np.zeros((2, 60, 90), bool)
        for mask in masks:
            x, y = 5 + 2 * t + rng.integers(-2, 3), 10 + rng.integers(-2, 3)
            mask[y : y + 30, x : x + 20] = True
        labels = np.array([3, 5])[rng.permutation(2)]
        for track, label in zip(
            tracker.update(masks, labels=labels), labels, strict=True
        ):
            labels_of.setdefault(int(track), set()).add(int(label))
    assert sorted(map(sorted, labels_of.values())) == [[3], [5]]
