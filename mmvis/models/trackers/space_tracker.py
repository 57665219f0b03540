"""MaskTracker's association for models: what may follow what is limited in space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.host_copies import copy_to_host
from mmvis.registry import MODELS
from mmvis.tracking import AssociationSettings, MaskTracker, Outlines
from mmvis.tracking.track_table import Detections, unit


@MODELS.register_module()
class SpaceTracker:
    """Ids by :class:`~mmvis.tracking.MaskTracker`, from a model's detections.

    A detection goes on with a track near where it was or is expected; looks alone act
    on returns only. The object holds configuration only; the tracks of a video are in
    a MaskTracker that the caller keeps. Association runs on the host: a frame's masks,
    in the grid that they come in, are copied once.

    Args:
        **settings: Of :class:`~mmvis.tracking.AssociationSettings`.

    Raises:
        ValueError: There is no such setting.
    """

    # A head that makes none is refused when the model is built.
    compares_embeddings = True
    # Masks are not moved on, so lost tracks are not reported.
    supplement = None

    def __init__(self, **settings: Any) -> None:
        self.settings: AssociationSettings = MaskTracker(**settings).settings

    def init_memory(self) -> MaskTracker:
        """A memory for a video that is about to begin."""
        return MaskTracker(settings=self.settings)

    @contextmanager
    def at_once(
        self, dets: InstanceData, memory: MaskTracker
    ) -> Iterator[tuple[InstanceData, Tensor, tuple]]:
        """Bring what :meth:`track` reads of all frames of a chunk to the host.

        Yields:
            tuple: The detections there, with ``mask_row``; and the masks as they were.
        """
        fields = {name: value for name, value in dets.items() if name != 'masks'}
        host = InstanceData(**copy_to_host(fields), masks=_shown(dets.masks).cpu())
        host.mask_row = torch.arange(len(host))
        yield host, dets.masks, ()

    def track(
        self, dets: InstanceData, memory: MaskTracker, frame_id: int
    ) -> InstanceData:
        """Give ids to the detections of one frame.

        Args:
            dets (InstanceData): bboxes (n, 4), scores (n,), labels (n,) int64,
                embeddings (n, d) and masks (n, h, w), bool or soft, all in one grid
                over the frame. Further fields (n, ...) come back as they are. A
                detection whose score, box or embedding is not finite is left out.
            memory (MaskTracker): The video's tracks; updated.
            frame_id (int): Number of the frame, counting up through the video.

        Returns:
            InstanceData: All fields of the detections that got an id, in their order,
            with instances_id (k,) int64.
        """
        memory.skip(frame_id - memory.num_frames)
        host = {
            name: dets[name].detach().cpu()
            for name in ('bboxes', 'scores', 'labels', 'embeddings')
        }
        right = [values.isfinite() for values in host.values()]
        finite = torch.stack([r if r.ndim == 1 else r.all(1) for r in right]).all(0)
        usable = finite.nonzero().squeeze(1).numpy()
        looks = host['embeddings'].double().numpy()[usable]
        ids = memory.track(
            Detections(
                outlines=_outlines(dets.masks)[usable],
                scores=host['scores'].double().numpy()[usable],
                labels=host['labels'].numpy()[usable],
                looks=unit(looks) if len(usable) else None,
            )
        )
        rows = torch.from_numpy(usable[ids >= 0]).to(dets.labels.device)
        result = dets[rows]
        result.instances_id = torch.from_numpy(ids[ids >= 0]).to(dets.labels.device)
        return result


def _outlines(masks: Tensor) -> Outlines:
    return Outlines.of_array(np.ascontiguousarray(_shown(masks).cpu().numpy()))


def _shown(masks: Tensor) -> Tensor:
    """Where masks (n, h, w) are above 0.5, bool; of one that nowhere is, above 0."""
    if masks.dtype == torch.bool:
        return masks
    clear = masks > 0.5
    faint = ~clear.flatten(1).any(1)
    return clear | (faint[:, None, None] & (masks > 0))
