"""Masks, blur and what hangs on a scene's plan, from its documented definition."""

import dataclasses
import math

import numpy as np
import pytest
from tiny_videos import COUNT, scene_of, video_of

from mmvis.datasets.synth_vis import VERSION, generate_video
from mmvis.datasets.synth_vis.effects import samples
from mmvis.datasets.synth_vis.render import render_frames, render_masks
from mmvis.datasets.synth_vis.video import make_record

SINE = [round(16384 * math.sin(math.pi * k / 2048)) for k in range(4096)]
ARCTAN = [round(math.atan(k / 1024) * 2048 / math.pi) for k in range(1025)]


@pytest.fixture(scope='module')
def scenes():
    return [scene_of(index) for index in range(COUNT)]


def direction(u, v):
    """Angle of a vector, 4096 to the turn, its slope cut to 1/1024."""
    steep = abs(v) > abs(u)
    low, high = sorted((abs(u), abs(v)))
    angle = ARCTAN[low * 1024 // max(high, 1)]
    angle = 1024 - angle if steep else angle
    angle = 2048 - angle if u < 0 else angle
    return (4096 - angle if v < 0 else angle) % 4096


def contains(thing, row, column, tick):
    """Whether the centre of a pixel is in the outline: plain whole numbers."""
    x = column * 64 + 32 - int(thing.path[tick, 0])
    y = row * 64 + 32 - int(thing.path[tick, 1])
    radius = int(thing.radius[tick])
    if math.hypot(x, y) > 3 * radius:
        return False
    turn = int(thing.angle[tick]) % 4096
    sin, cos = SINE[turn], SINE[(turn + 1024) % 4096]
    u, v = (x * cos + y * sin) >> 14, (y * cos - x * sin) >> 14
    theta = direction(u, v)
    wave = 4096
    for number, amplitude, phase, speed in thing.deformation.waves:
        wave += (
            amplitude * SINE[(number * theta + phase + speed * tick) % 4096] // 2**14
        )
    reach = int(thing.template[theta]) * wave // 4096 * radius // 4096
    return u * u + v * v <= reach * reach


@pytest.mark.parametrize(('index', 'frame'), [(0, 14), (3, 20), (7, 10), (11, 5)])
def test_every_pixel_belongs_to_the_nearest_thing(scenes, index, frame):
    scene, masks, measured = scenes[index]
    tick = 16 * frame + 8
    expected = np.zeros(masks[:, frame].shape, dtype=bool)
    amodal = [0] * len(scene.objects)
    for row in range(96):
        for column in range(160):
            owner = None
            for k in scene.order:  # from the farthest to the nearest
                if contains(scene.objects[k], row, column, tick):
                    owner, amodal[k] = k, amodal[k] + 1
            if any(contains(thing, row, column, tick) for thing in scene.statics):
                owner = None
            if owner is not None:
                expected[owner, row, column] = True
    for mask in expected:
        if mask.sum() < 12:
            mask[:] = False
    assert expected.any()
    np.testing.assert_array_equal(masks[:, frame], expected)
    assert measured.amodal_areas[:, frame].tolist() == amodal


def test_an_object_of_the_fewest_pixels_is_seen(scenes):
    scene, _, measured = scenes[3]
    k, t = np.argwhere(measured.areas > 0)[0]
    least = int(measured.areas[k, t])
    assert render_masks(scene, least)[0][k, t].sum() == least
    assert not render_masks(scene, least + 1)[0][k, t].any()


def test_the_scenes_above_have_posts_and_overlaps(scenes):
    assert any(scenes[index][0].statics for index in (0, 3, 7, 11))
    hidden = [
        m.amodal_areas[:, t] > m.areas[:, t]
        for (_, _, m), t in ((scenes[0], 14), (scenes[7], 10), (scenes[11], 5))
    ]
    assert all(some.any() for some in hidden)


def test_blur_changes_pixels_and_no_mask(scenes):
    scene, masks, _ = scenes[8]  # its first object is there for the blur
    assert scene.shutter and scene.planned[0] == 'blur'
    sharp = dataclasses.replace(scene, shutter=0)
    np.testing.assert_array_equal(render_masks(sharp, 12)[0], masks)
    difference = np.abs(render_frames(scene).astype(int) - render_frames(sharp)).max(-1)
    beyond, traces = ~masks.any(0), 0
    for changed, mask, outside in zip(difference > 20, masks[0], beyond, strict=True):
        rows, columns = np.nonzero(mask)
        near = np.zeros_like(mask)
        near[max(rows.min() - 4, 0) : rows.max() + 5, :] = True
        near[:, : max(columns.min() - 4, 0)] = near[:, columns.max() + 5 :] = False
        traces += changed[mask].any() and changed[near & outside].any()
    assert traces >= 0.9 * scene.length


def test_samples_lie_around_the_frame_in_place_and_time():
    for shutter in (0, 10, 12, 14):
        shifts, times = samples(shutter)
        assert shifts.sum(0).tolist() == [0, 0]
        assert -shutter / 2 <= times.min() <= times.max() < max(shutter / 2, 1)
        assert abs(times.mean()) <= 1


def test_blur_and_twins_are_measured_from_the_plan(scenes):
    for index, (scene, masks, measured) in enumerate(scenes):
        record = make_record(index, scene, masks, measured)
        found = record['video']['attributes']
        areas = [annotation['areas'] for annotation in record['annotations']]
        boxes = [annotation['bboxes'] for annotation in record['annotations']]
        first, last = min(samples(scene.shutter)[1]), max(samples(scene.shutter)[1])
        most = 0
        for k, thing in enumerate(scene.objects):
            frames = 0
            for t, area in enumerate(areas[k]):
                x, y = thing.path[16 * t + 8 + last] - thing.path[16 * t + 8 + first]
                if area and scene.shutter:
                    frames += 25 * (int(x) ** 2 + int(y) ** 2) >= area * 64**2
            most = max(most, frames)
        assert (most >= 3) == ('blur' in found)
        met = False
        for one, two in zip(*(boxes[k] for k in scene.twins or ()), strict=True):
            if one and two:
                across = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
                along = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
                met |= across > 0 and along > 0
        assert met == ('twins' in found)


def test_the_order_of_generation_changes_nothing():
    for index in (1, 0):
        frames, _, record = generate_video(VERSION, 'valid', 1, index)
        before, _, expected = video_of(index)
        assert frames.tobytes() == before.tobytes() and record == expected


def test_numbers_of_numpy_are_numbers():
    _, _, record = video_of(2)
    seed, index = np.int64(1), np.int32(2)
    _, _, same = generate_video(VERSION, np.str_('valid'), seed, index)
    assert same == record
    with pytest.raises(TypeError):
        generate_video(VERSION, 'valid', 1.5, 2)
