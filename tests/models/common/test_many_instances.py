"""More instances in a frame than a byte counts, by a model and by a runtime."""

import copy

import numpy as np
import video_models
from exported_models import pipeline
from inferencers import images

from mmvis.apis.video_session import Preparation, VideoSession
from mmvis.runtime.session import RuntimeSession

COUNT, HIDDEN, SIZE = 300, 7, (40, 60)


def crowd() -> dict[str, np.ndarray]:
    """Pixels, each an instance; one is empty."""
    masks = np.zeros((COUNT, *SIZE), bool)
    for row, mask in enumerate(masks):
        mask.flat[row] = row != HIDDEN
    return dict(
        bboxes=np.tile(np.float32([0, 0, 2, 2]), (COUNT, 1)),
        scores=np.full(COUNT, 0.5, np.float32),
        labels=np.zeros(COUNT, np.int64),
        ids=np.arange(COUNT),
        masks=masks,
    )


def test_a_model_reports_hundreds():
    model = copy.deepcopy(video_models.masktrack_rcnn())
    proposals, found = model.detector.rpn_head, model.detector.roi_head
    proposals.test_cfg.update(nms_pre=2000, max_per_img=2000)
    found.test_cfg.update(score_thr=0.0, max_per_img=500)
    proposals.test_cfg.nms.iou_threshold = found.test_cfg.nms.iou_threshold = 0.95
    steps = pipeline((160, 96))
    session = VideoSession(model, Preparation(steps, model), tuple('abcdefgh'))
    (result,) = session.steps(images(1))
    assert len(result) > 300  # ids, boxes and masks fit: it checks itself


class Crowd:
    """Stands for an exported model."""

    def init_state(self) -> None:
        """Nothing."""

    def predict_frame(self, image, frame_id, state) -> dict[str, np.ndarray]:
        """The same in every frame."""
        return crowd()


def test_a_runtime_reports_all_that_are_seen():
    (found,) = RuntimeSession(Crowd()).steps([np.zeros((*SIZE, 3), np.uint8)])
    assert found.ids.tolist() == [n for n in range(COUNT) if n != HIDDEN]
