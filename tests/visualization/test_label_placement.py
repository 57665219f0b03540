import numpy as np

from mmvis.visualization.label_placement import LabelPlacer


def top_instance(boxes, shape=(100, 200)):
    top = np.zeros(shape, dtype=np.int32)
    for i, (x0, y0, x1, y1) in enumerate(boxes, start=1):
        top[y0:y1, x0:x1] = i
    return top, np.array([np.count_nonzero(top == i + 1) for i in range(len(boxes))])


def hidden_share(top, areas, place, size):
    left, up = place[1:]
    seen = top[up : up + size[0], left : left + size[1]]
    return [np.count_nonzero(seen == i + 1) / area for i, area in enumerate(areas)]


def test_free_label_is_above():
    boxes = [(50, 40, 120, 90)]
    placer = LabelPlacer(*top_instance(boxes))
    assert placer.place(boxes[0], [(10, 40)]) == (0, 50, 29)


def test_left_is_taken_where_all_else_is_full():
    # Small objects fill the frame but for the object's left side.
    box = (110, 40, 150, 60)
    boxes = [box] + [
        (x, y, x + 4, y + 4)
        for x in range(0, 196, 5)
        for y in range(0, 96, 5)
        if not (60 <= x < 155 and 30 <= y < 65)
    ]
    boxes += [(x, y, x + 4, y + 4) for x in range(110, 155, 5) for y in (30, 35, 60)]
    boxes += [(151, y, 155, y + 4) for y in range(40, 60, 5)]
    placer = LabelPlacer(*top_instance(boxes))
    assert placer.place(box, [(10, 40)]) == (0, 69, 40)


def test_small_objects_are_not_hidden():
    rng = np.random.default_rng(0)
    for _ in range(50):
        boxes = [(20, 20, 180, 90)]
        for _ in range(4):
            x, y = rng.integers(0, 190), rng.integers(0, 90)
            boxes.append((x, y, x + 8, y + 8))
        top, areas = top_instance(boxes)
        areas = np.maximum(areas, 1)
        placer = LabelPlacer(top, areas)
        for box in boxes:
            place = placer.place(box, [(10, 40), (10, 14)])
            share = hidden_share(top, areas, place, [(10, 40), (10, 14)][place[0]])
            assert max(share[1:]) <= 0.5


def test_labels_do_not_cover_one_another():
    box = (90, 45, 110, 55)
    placer = LabelPlacer(*top_instance([box]))
    covered = np.zeros((100, 200), dtype=int)
    for _ in range(5):
        _, left, up = placer.place(box, [(10, 20)])
        covered[up : up + 10, left : left + 20] += 1
    assert covered.max() == 1


def test_short_text_where_the_long_one_hides_much():
    # Small objects all around leave room for the short text only.
    boxes = [(90, 40, 110, 60)]
    boxes += [(x, y, x + 4, y + 4) for x in range(0, 200, 20) for y in range(2, 98, 9)]
    top, areas = top_instance(boxes)
    placer = LabelPlacer(top, np.maximum(areas, 1))
    assert placer.place(boxes[0], [(10, 80), (5, 10)])[0] == 1


def test_text_larger_than_the_image():
    placer = LabelPlacer(*top_instance([(0, 0, 5, 5)], shape=(20, 30)))
    assert placer.place((0, 0, 5, 5), [(10, 31)]) is None
    assert placer.place((0, 0, 5, 5), [(10, 31), (20, 30)]) == (1, 0, 0)
