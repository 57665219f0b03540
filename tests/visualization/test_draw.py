import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmvis.visualization.colours import id_colour, line_colour
from mmvis.visualization.draw import display_scale, draw_tracks, label_text


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)


def box_mask(y0, y1, x0, x1, shape=(90, 120)):
    mask = np.zeros(shape, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def disc_mask(y, x, radius, shape=(90, 120)):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def rle(mask):
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))


def test_fill_mixes_as_the_formula_says(image):
    masks = np.stack([disc_mask(40, 40, 25), disc_mask(50, 60, 14)])
    drawn = draw_tracks(image, masks, [3, 8], alpha=0.3, contours=False, texts=False)
    for y in range(90):
        for x in range(120):
            # The smaller instance is on top.
            top = 8 if masks[1, y, x] else 3 if masks[0, y, x] else None
            wanted = image[y, x].astype(float)
            if top is not None:
                wanted = 0.7 * wanted + 0.3 * np.array(id_colour(top))
            assert np.abs(drawn[y, x] - wanted).max() <= 0.5 + 1e-4, (y, x)


def test_pixels_outside_masks_stay(image):
    before = image.copy()
    masks = np.stack([disc_mask(40, 40, 25), disc_mask(50, 80, 14)])
    drawn = draw_tracks(image, masks, [0, 1], texts=False)
    assert np.array_equal(image, before)
    assert np.array_equal(drawn[~masks.any(0)], image[~masks.any(0)])
    assert (drawn[masks.any(0)] != image[masks.any(0)]).any(1).mean() > 0.95


def test_labels_change_a_rectangle_of_their_own_colours(image):
    mask = disc_mask(50, 60, 20)
    plain = draw_tracks(image, [mask], [4], texts=False)
    drawn = draw_tracks(image, [mask], [4], [0], [0.5], ['cat'])
    rows, columns = np.nonzero((drawn != plain).any(-1))
    label = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    background = (label == id_colour(4)).all(-1)
    assert background.mean() > 0.5
    assert background[[0, -1]].all() and background[:, [0, -1]].all()
    assert not mask[
        rows.min() : rows.max() + 1, columns.min() : columns.max() + 1
    ].any()


def test_contour_is_the_border_of_the_mask(image):
    mask = disc_mask(45, 60, 22) & ~disc_mask(45, 60, 8)
    drawn = draw_tracks(image, [mask], [5], alpha=0.0, texts=False)
    wanted = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        neighbours = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        wanted[y, x] = not all(mask[n] for n in neighbours)
    changed = (drawn != image).any(-1)
    assert np.array_equal(changed, wanted)
    assert (drawn[wanted] == line_colour(id_colour(5))).all()


def test_contour_closes_at_the_edge_of_the_image(image):
    mask = box_mask(0, 90, 0, 120)
    drawn = draw_tracks(image, [mask], [5], alpha=0.0, texts=False)
    changed = (drawn != image).any(-1)
    assert not changed[1:-1, 1:-1].any()
    assert changed[0].mean() > 0.9 and changed[:, -1].mean() > 0.9


@pytest.mark.parametrize('form', ['rle', 'str', 'array', 'uint8', 'tensor', 'list'])
def test_masks_in_every_form(image, form):
    masks = np.stack([disc_mask(40, 40, 25), box_mask(60, 80, 70, 110)])
    given = {
        'rle': lambda: [rle(mask) for mask in masks],
        'str': lambda: [
            dict(size=[90, 120], counts=rle(mask)['counts'].decode()) for mask in masks
        ],
        'array': lambda: masks,
        'uint8': lambda: masks.astype(np.uint8),
        'tensor': lambda: torch.from_numpy(masks),
        'list': lambda: list(masks),
    }[form]()
    drawn = draw_tracks(image, given, [1, 2], [0, 1], [0.5, 0.25], ['a', 'b'])
    assert np.array_equal(
        drawn, draw_tracks(image, masks, [1, 2], [0, 1], [0.5, 0.25], ['a', 'b'])
    )


def test_order_of_instances_does_not_change_masks(image):
    masks = np.stack([disc_mask(40, 40, 25), disc_mask(50, 60, 14)])
    one = draw_tracks(image, masks, [3, 8], texts=False)
    other = draw_tracks(image, masks[::-1], [8, 3], texts=False)
    assert np.array_equal(one, other)


@pytest.mark.parametrize('masks', [[], np.zeros((0, 90, 120), bool)])
def test_nothing_to_draw(image, masks):
    drawn = draw_tracks(image, masks, [], [], [], ['a'])
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_empty_and_missing_masks_are_left_out(image):
    empty = np.zeros((90, 120), bool)
    for mask in (empty, rle(empty), None):
        drawn = draw_tracks(image, [mask], [1], [0], [1.0], ['a'])
        assert np.array_equal(drawn, image)


def test_scale_draws_on_enlarged_pixels(image):
    mask = disc_mask(40, 40, 25)
    options = dict(contours=False, texts=False)
    small = draw_tracks(image, [mask], [1], **options)
    large = draw_tracks(image, [mask], [1], scale=3, **options)
    assert np.array_equal(large, np.kron(small, np.ones((3, 3, 1), np.uint8)))


@pytest.mark.parametrize('shape', [(96, 160), (12, 16), (240, 180), (1080, 1920)])
@pytest.mark.parametrize('place', [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_labels_of_objects_in_corners(shape, place):
    """Whole labels stay inside: their background colour surrounds their letters."""
    image = np.zeros((*shape, 3), np.uint8)
    side = max(2, shape[0] // 10)
    y, x = place[0] * (shape[0] - side), place[1] * (shape[1] - side)
    mask = box_mask(y, y + side, x, x + side, shape)
    drawn = draw_tracks(image, [mask], [6], [0], [0.87], ['a rather long name'])
    plain = draw_tracks(image, [mask], [6], texts=False)
    assert drawn.shape == image.shape
    rows, columns = np.nonzero((drawn != plain).any(-1))
    if not len(rows):
        assert shape == (12, 16)  # not even '#6' fits
        return
    label = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    frame = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    assert (frame == id_colour(6)).all()
    assert np.array_equal(drawn[mask], plain[mask])


def test_boxes_are_tight(image):
    mask = disc_mask(40, 50, 20)
    options = dict(alpha=0.0, contours=False, texts=False, boxes=True)
    changed = (draw_tracks(image, [mask], [2], **options) != image).any(-1)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (20, 60)
    assert (columns.min(), columns.max()) == (30, 70)
    assert not changed[21:60, 31:70].any()


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(ids=[1]), '2 masks but 1 ids'),
        (dict(scores=[0.1]), '2 masks but 1 scores'),
        (dict(image=np.zeros((90, 120), np.uint8)), 'uint8 BGR'),
        (dict(image=np.zeros((90, 120, 3))), 'float64'),
        (dict(image=np.zeros((91, 120, 3), np.uint8)), 'mask 0 is 90 x 120'),
    ],
)
def test_mistakes_are_named(image, change, words):
    given = dict(image=image, masks=np.zeros((2, 90, 120), bool), ids=[1, 2])
    with pytest.raises(ValueError, match=words):
        draw_tracks(**given | change)


def test_rle_of_another_size_is_refused(image):
    with pytest.raises(ValueError, match='mask 0 is 120 x 90'):
        draw_tracks(image, [rle(np.ones((120, 90)))], [1])


def test_label_text():
    assert label_text(3, 1, 0.871, ['dog', 'cat']) == 'cat 0.87 #3'
    assert label_text(3, 5, None, ['dog']) == 'class 5 #3'
    assert label_text(3) == '#3'


@pytest.mark.parametrize(
    ('width', 'scale'), [(160, 3), (480, 1), (479, 2), (1920, 1), (1, 480)]
)
def test_display_scale(width, scale):
    assert display_scale(width) == scale
