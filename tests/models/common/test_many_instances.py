"""More instances in a frame than a byte counts, by a model and by a runtime."""

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmvis.models.common.base_vis import _visible
from mmvis.runtime.session import RuntimeSession
from mmvis.structures.rle import encode_masks

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


def test_a_model_reports_all_that_are_seen():
    fields = crowd()
    masks = encode_masks(fields.pop('masks'))
    tensors = {name: torch.from_numpy(value) for name, value in fields.items()}
    found = _visible(InstanceData(masks=masks, **tensors))
    assert found.ids.tolist() == [n for n in range(COUNT) if n != HIDDEN]


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
