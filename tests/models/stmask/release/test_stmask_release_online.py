"""STMask along videos against the numbers of the released code, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fixtures.stmask_fixtures import (
    NUM_STEPS,
    assert_outputs_equal,
    frame,
    load_step,
    online_steps,
)
from mmengine.structures import InstanceData
from model_factory import clip_sample
from pycocotools import mask as coco_masks
from released_models import CONTENT, INPUT_SHAPE, ORIGINAL, SCALE, released_model
from torch import Tensor

from mmvis.models.stmask.stmask import STMask
from mmvis.models.trackers import embedding_mask_iou_tracker


class Recorder:
    """Runs the online steps and keeps what happens inside of each."""

    def __init__(self, model: STMask) -> None:
        self.model = model
        self.steps: list[dict] = []

    def run(self) -> list[dict]:
        with pytest.MonkeyPatch.context() as patch:
            predict, track = self.model.bbox_head.predict, self.model.tracker.track
            scores = embedding_mask_iou_tracker.match_scores
            carried = self.model.tracker.propagate
            patch.setattr(self.model.bbox_head, 'predict', self.keep(predict, 'dets'))
            patch.setattr(self.model.tracker, 'track', self.tracked(track))
            patch.setattr(self.model.tracker, 'propagate', self.propagated(carried))
            patch.setattr(
                embedding_mask_iou_tracker, 'match_scores', self.keep(scores, 'match')
            )
            video_id = frame_id = -1
            for video, t, begins in online_steps():
                video_id, frame_id = (
                    (video_id + 1, 0) if begins else (video_id, frame_id + 1)
                )
                self.steps.append({})
                self.step(frame(video, t), video_id, frame_id)
        return self.steps

    def step(self, image: Tensor, video_id: int, frame_id: int) -> None:
        length = {0: 6, 1: 2}[video_id]
        sample = clip_sample(1, video_id, frame_id, length, ORIGINAL, CONTENT)
        sample[0].set_metainfo(dict(batch_input_shape=INPUT_SHAPE))
        with torch.no_grad():
            self.model.predict(image[None], [sample])
        self.steps[-1]['final'] = sample[0].pred_track_instances

    def keep(self, function, name: str):
        def recorded(*args, **kwargs):
            self.steps[-1][name] = function(*args, **kwargs)
            return self.steps[-1][name]

        return recorded

    def propagated(self, function):
        def recorded(memory, **fields):
            function(memory, **fields)
            self.steps[-1]['shift'] = dict(memory.fields)

        return recorded

    def tracked(self, function):
        def recorded(dets, memory, frame_id):
            tracked = function(dets, memory, frame_id)
            age = frame_id - memory.last_seen
            self.steps[-1].update(
                tracked=tracked, memory=dict(memory.fields), ids=memory.ids, age=age
            )
            return tracked

        return recorded


@pytest.fixture(
    scope='module', params=['ada', pytest.param('ali', marks=pytest.mark.full)]
)
def online(request) -> list[tuple[dict, dict]]:
    """What happened in each step, and what should have."""
    recorded = Recorder(released_model(f'STMask_plus_resnet50_{request.param}')).run()
    stored = [load_step(f'online_r50_{request.param}', s) for s in range(NUM_STEPS)]
    return list(zip(recorded, stored, strict=True))


def by_id(instances: InstanceData) -> InstanceData:
    return instances[instances.instances_id.argsort()]


class TestOnline:
    """Two videos, of six frames and of two."""

    def test_detections(self, online):
        for step, expected in online:
            dets = step['dets']
            assert dets.labels.tolist() == (expected['nms_class'] - 1).tolist()
            assert_outputs_equal(dets.bboxes / SCALE, expected['nms_box'], 'boxes')
            assert_outputs_equal(dets.scores, expected['nms_score'], 'scores')
            assert_outputs_equal(
                dets.coefficients, expected['nms_mask_coeff'], 'coefficients'
            )
            if len(dets):
                assert_outputs_equal(dets.embeddings, expected['nms_track'], 'track')

    def test_propagation(self, online):
        for number, (step, expected) in enumerate(online):
            assert ('shift' in step) == (number not in (0, 6))
            if 'shift' not in step:
                continue
            boxes = step['shift']['bboxes'] / SCALE
            assert_outputs_equal(boxes, expected['shift_box'], 'boxes')
            areas = (step['shift']['masks'] > 0.5).sum((1, 2))
            assert areas.tolist() == expected['shift_area'].tolist()

    def test_matches(self, online):
        for step, expected in online:
            if 'match_comp' in expected:
                match = step['match'].reshape(expected['match_comp'].shape)
                assert_outputs_equal(match, expected['match_comp'], 'match')

    def test_classes_in_memory(self, online):
        """An object has the class of its latest detection, found by the stored box.

        The stored mem_class is of no use: the release writes into it in the next step.
        """
        known = np.zeros(0, int)
        for number, (step, expected) in enumerate(online):
            known = np.zeros(0, int) if number in (0, 6) else known
            known = np.pad(known, (0, len(expected['mem_box']) - len(known)))
            fresh = expected['mem_tracked_mask'] == 0
            same = expected['mem_box'][fresh][:, None] == expected['nms_box'][None]
            known[fresh] = same.all(2) @ expected['nms_class'].astype(int) - 1
            assert step['memory']['labels'].tolist() == known.tolist()

    def test_memory(self, online):
        for step, expected in online:
            memory, age = step['memory'], step['age']
            assert step['ids'].tolist() == list(range(len(expected['mem_box'])))
            assert age.tolist() == expected['mem_tracked_mask'].tolist()
            assert_outputs_equal(memory['bboxes'] / SCALE, expected['mem_box'], 'boxes')
            scores = memory['scores'] * 0.95**age
            assert_outputs_equal(scores, expected['mem_score'], 'scores')
            coefficients = memory['coefficients'][:, ::4]
            assert_outputs_equal(
                coefficients, expected['mem_mask_coeff_step4'], 'coefficients'
            )
            areas = (memory['masks'] > 0.5).sum((1, 2))
            assert areas.tolist() == expected['mem_mask_area'].tolist()

    def test_tracks(self, online):
        for step, expected in online:
            tracked = by_id(step['tracked'])
            assert tracked.instances_id.tolist() == expected['out_box_ids'].tolist()
            assert tracked.labels.tolist() == (expected['out_class'] - 1).tolist()
            assert_outputs_equal(tracked.bboxes / SCALE, expected['out_box'], 'boxes')
            assert_outputs_equal(tracked.scores, expected['out_score'], 'scores')
            shape = tuple(expected['out_mask_shape'])
            masks = np.unpackbits(expected['out_mask_packed'], axis=-1)
            masks = masks[..., : shape[-1]].reshape(shape)
            np.testing.assert_array_equal(tracked.masks.numpy() > 0.5, masks)

    def test_results_in_the_original_frame(self, online):
        for step, expected in online:
            final = by_id(step['final'])
            assert final.instances_id.tolist() == expected['final_box_ids'].tolist()
            assert final.labels.tolist() == (expected['final_class'] - 1).tolist()
            assert_outputs_equal(final.scores, expected['final_score'], 'scores')
            # The release cuts off the fractions.
            boxes = final.bboxes.numpy()
            np.testing.assert_array_equal(boxes.astype(int), expected['final_box_px'])
            areas = np.array([coco_masks.area(mask) for mask in final.masks])
            np.testing.assert_allclose(areas, expected['final_area'], atol=2)
