"""The detections of all frames of a chunk at once."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.frame_nms import nms_of_frames
from mmvis.structures.nested_tensors import map_tensors

from .outputs import PostponedOutputs, STMaskOutputs

if TYPE_CHECKING:
    from .head import STMaskHead


def detect_in_frames(
    head: STMaskHead,
    outputs: STMaskOutputs | PostponedOutputs,
    anchors: Tensor,
    input_shape: tuple[int, int],
) -> tuple[InstanceData, list[int]]:
    """What ``head.predict`` gives of each of B frames, frame by frame.

    Yolact's NMS goes through the frames one by one, and so does what was postponed.

    Args:
        head (STMaskHead): Whose outputs they are.
        outputs (STMaskOutputs | PostponedOutputs): Of the frames.
        anchors (Tensor): (N, 4).
        input_shape (tuple[int, int]): Height and width of the padded input.

    Returns:
        tuple[InstanceData, list[int]]: As ``head.predict``, and how many each frame
        has.
    """
    cfg = head.test_cfg
    if not isinstance(outputs, STMaskOutputs) or cfg.nms.type != 'nms':
        frames = [
            head.predict(map_tensors(itemgetter(t), outputs), anchors)
            for t in range(len(outputs.deltas))
        ]
        return InstanceData.cat(frames), [len(frame) for frame in frames]
    best, labels = outputs.logits.float().softmax(-1)[..., :-1].max(2)
    # A NaN is not greater than anything: such an anchor detects nothing.
    usable = ~outputs.centerness.isnan() & outputs.deltas.isfinite().all(2)
    # One read for how many there are.
    frame, index = ((best > cfg.score_thr) & usable).nonzero().unbind(1)
    at = frame, index
    boxes = head.bbox_coder.decode(anchors[index], outputs.deltas[at].float())
    scores = best[at] * outputs.centerness[at].float()
    kept, counts = nms_of_frames(
        boxes,
        scores,
        None,
        frame,
        len(best),
        cfg.nms,
        cfg.max_per_img,
        cfg.get('min_score'),
        limit=2.0 * max(input_shape),
    )
    at = frame[kept], index[kept]
    return InstanceData(
        bboxes=boxes[kept],
        scores=scores[kept],
        labels=labels[at],
        coefficients=outputs.coefficients[at].float(),
        embeddings=outputs.embeddings[at].float(),
    ), counts
