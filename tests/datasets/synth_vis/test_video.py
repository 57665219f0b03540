"""Masks, boxes and attributes of generated videos, computed a second way."""

import math
from collections import Counter

import numpy as np
import pytest
from pycocotools import mask as mask_api
from tiny_videos import COUNT, scene_of, video_of

from mmvis.datasets.synth_vis import (
    ATTRIBUTES,
    CATEGORIES,
    PRESETS,
    VERSION,
    generate_video,
)
from mmvis.datasets.synth_vis.render import amodal_masks
from mmvis.datasets.synth_vis.scripts import planned_attributes
from mmvis.datasets.synth_vis.video import min_visible_pixels, render_scene

FRAME = 96 * 160


@pytest.fixture(scope='module')
def videos():
    return [video_of(index) for index in range(COUNT)]


def test_frames_and_masks_have_the_stated_form(videos):
    for frames, masks, record in videos:
        length = record['video']['length']
        assert 24 <= length <= 36
        assert frames.shape == (length, 96, 160, 3) and frames.dtype == np.uint8
        count = len(record['annotations'])
        assert masks.shape == (count, length, 96, 160) and masks.dtype == bool
        assert 2 <= count <= 5


def test_visible_masks_are_whole_masks_minus_what_is_in_front():
    minimum = min_visible_pixels(PRESETS['tiny'])
    hidden_somewhere = 0
    for index in (0, 3, 6):
        scene, masks, measured = scene_of(index)
        for frame in range(0, scene.length, 3):
            layers = amodal_masks(scene, frame)
            for place, (k, whole) in enumerate(layers):
                if k < 0:
                    continue
                expected = whole.copy()
                for _, nearer in layers[place + 1 :]:
                    expected &= ~nearer
                hidden_somewhere += whole.sum() > expected.sum()
                if expected.sum() < minimum:
                    expected[:] = False
                np.testing.assert_array_equal(masks[k, frame], expected)
                assert measured.amodal_areas[k, frame] == whole.sum()
    assert hidden_somewhere > 10


def test_visible_masks_are_disjoint(videos):
    for _, masks, _ in videos:
        assert masks.sum(0).max() <= 1


def test_annotations_agree_with_pycocotools(videos):
    nulls = 0
    for _, masks, record in videos:
        for mask, annotation in zip(masks, record['annotations'], strict=True):
            for t, rle in enumerate(annotation['segmentations']):
                box, area = annotation['bboxes'][t], annotation['areas'][t]
                if rle is None:
                    nulls += 1
                    assert box is None and area is None and not mask[t].any()
                    continue
                assert area >= min_visible_pixels(PRESETS['tiny'])
                assert area == mask_api.area(rle) <= annotation['amodal_areas'][t]
                assert box == mask_api.toBbox(rle).tolist()
                np.testing.assert_array_equal(mask_api.decode(rle), mask[t])
    assert nulls > 0


def test_the_image_shows_the_mask(videos):
    """A frame's colours change at the outlines: inside and outside differ."""
    clear = total = 0
    for frames, masks, record in videos:
        for mask, annotation in zip(masks, record['annotations'], strict=True):
            areas = annotation['areas']
            if annotation['category_id'] != 1 or areas[0] is None:
                continue
            inside = frames[0][mask[0]].mean(0)
            outside = frames[0][~masks[:, 0].any(0)].mean(0)
            clear += np.abs(inside - outside).max() > 25
            total += 1
    assert total and clear >= 0.7 * total


def attributes_of(record):
    """The attributes that the json alone shows, in plain loops."""
    found = set()
    for annotation in record['annotations']:
        areas, boxes = annotation['areas'], annotation['bboxes']
        seen = [t for t, area in enumerate(areas) if area is not None]
        if len(seen) < seen[-1] - seen[0] + 1:
            found.add('reenter')
        if sum(areas[t] for t in seen) / len(seen) < FRAME / 80:
            found.add('small')
        whole = []
        for t in seen:
            x, y, w, h = boxes[t]
            inside = x > 0 and y > 0 and x + w < 160 and y + h < 96
            if inside and areas[t] == annotation['amodal_areas'][t]:
                whole.append(t)
        sizes = [areas[t] for t in whole]
        if sizes and max(sizes) >= 2 * min(sizes):
            found.add('scale')
        jumps = 0
        for t in whole:
            if t - 1 in whole:
                (x, y, w, h), (p, q, r, s) = boxes[t], boxes[t - 1]
                distance = math.hypot(x + w / 2 - p - r / 2, y + h / 2 - q - s / 2)
                jumps += distance >= math.sqrt(areas[t - 1]) / 2
        if jumps >= 3:
            found.add('fast')
        hidden = 0
        for area, full in zip(areas, annotation['amodal_areas'], strict=True):
            hidden += full >= 48 and 1 - (area or 0) / full >= 1 / 3
        if hidden >= 3:
            found.add('occlusion')
    return found


def test_attributes_can_be_computed_from_the_json(videos):
    derived = {'occlusion', 'fast', 'reenter', 'scale', 'small'}
    for _, _, record in videos:
        assert derived & set(record['video']['attributes']) == attributes_of(record)


def test_only_an_open_shutter_blurs():
    for index in range(COUNT):
        (scene, _, _), (_, _, record) = scene_of(index), video_of(index)
        assert ('blur' in record['video']['attributes']) <= (scene.shutter > 0)


def test_twins_look_alike_and_meet():
    met = 0
    for index in range(COUNT):
        scene, _, _ = scene_of(index)
        if scene.twins is None:
            continue
        one, two = (scene.objects[k] for k in scene.twins)
        assert one.category == two.category and one.look == two.look
        distance = np.hypot(*(one.path - two.path).T)
        met += distance.min() < (one.radius + two.radius).max()
    assert met >= 3


def test_every_attribute_is_frequent_in_a_small_split(videos):
    counts = Counter()
    for index, (_, _, record) in enumerate(videos):
        attributes = record['video']['attributes']
        assert set(planned_attributes(index)) <= set(attributes)
        assert attributes == [name for name in ATTRIBUTES if name in attributes]
        counts.update(attributes)
    assert all(counts[name] >= 3 for name in ATTRIBUTES)


def test_every_category_is_in_a_small_split(videos):
    used = {a['category_id'] for _, _, r in videos for a in r['annotations']}
    assert used == {category.id for category in CATEGORIES}


def test_videos_differ_by_split_seed_and_index():
    keys = [('valid', 1, 0), ('train', 1, 0), ('valid', 2, 0), ('valid', 1, 1)]
    frames = [generate_video(VERSION, *key)[0][:20].tobytes() for key in keys]
    assert len(set(frames)) == len(keys)


def test_bench_differs_in_its_categories_alone():
    """The scenes of ``tiny``, of four categories, whose colours are never the same."""
    categories = PRESETS['bench'].categories
    hues = [set(category.hues) for category in categories]
    for k, one in enumerate(hues):
        assert all(len(one & other) <= 1 for other in hues[:k])
    assert len({category.shape for category in categories}) == len(categories)
    used = set()
    for index in range(4):
        video = render_scene(VERSION, 'valid', 1, index, 'bench')[0]
        other = scene_of(index)[0]
        assert (video.length, video.planned) == (other.length, other.planned)
        used |= {thing.category for thing in video.objects}
    assert used == set(categories)


def test_bench_shows_every_attribute_in_twenty_videos():
    """By its scripts alone, each of which asks for what measuring has to find."""
    _, held_out = PRESETS['bench'].num_videos
    planned = Counter(name for k in range(held_out) for name in planned_attributes(k))
    assert held_out >= 80
    assert all(planned[name] >= 20 for name in ATTRIBUTES)


def test_a_larger_preset_has_its_size_and_its_least_area():
    _, masks, record = generate_video(VERSION, 'valid', 1, 5, 'small')
    assert masks.shape[2:] == (192, 320)
    areas = masks.sum((2, 3))
    assert areas[areas > 0].min() >= 48
    assert record['video']['height'] == 192


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('0.1', 'valid', 1, 0, 'tiny'), "'0.1' is not known"),
        ((VERSION, 'valid', 1, 0, 'huge'), "no preset 'huge'.*small, full, bench"),
        ((VERSION, 'valid', 1, -1, 'tiny'), 'index .* not -1'),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        generate_video(*arguments)
