"""Instances that a network with random weights is made to detect.

How long NMS, masks, tracker and RLE take depends on what is detected, and random
weights detect nothing, or everything. So the network runs in full, and afterwards its
outputs say what a trained one would say of a given number of discs:

* The discs lie on a grid, do not overlap, and are in the same places in every frame, so
  that each is tracked. Each has a class of its own while there are enough classes.
* Several detections surround each disc, with boxes that are shaken by some pixels: NMS
  leaves exactly one of them.
* One-stage models: the logits, box regressions and centerness of the anchors nearest to
  a disc are set, then the coefficients and embeddings of the kept boxes. A disc is a
  quadratic inequality, hence linear in the prototypes 1, x, y and x^2 + y^2, which
  are put in the place of the first four.
* SG-Net: see ``forced_sg_net``. InstanceFlow: see ``forced_instance_flow``.
* Two-stage models: the classes and boxes of the second stage, and of each stage of a
  cascade, are set for as many proposals, and each mask is a disc. Proposals are those
  of the random weights. The embeddings of a tracking head are the discs', too.

What the network of single frames gives is changed behind ``extract_test_feat``, so that
this may be compiled or recorded before.

The temporal network is made to predict no change. The time of all this is taken by a
stage of its own, which no table counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmvis.models.sg_net.pyramid import SGNetPyramid

from .forced_instance_flow import be_disc_maps, disc_offsets
from .forced_sg_net import be_discs, detect_near
from .stage_times import Stopwatch, Wrappers

FORCED = 'forced'
DUPLICATES = 8
PROTOTYPE_SCALE = 100.0


class ForcedInstances:
    """What a model is made to detect.

    Args:
        model (nn.Module): A built video model, wrapped as long as it lives.
        count (int): Instances of a frame.
        content (tuple[int, int]): Height and width of the frame, without padding.
        input_shape (tuple[int, int]): And with it.
        stopwatch (Stopwatch): Counts the time of making them as 'forced'.
    """

    def __init__(
        self,
        model: nn.Module,
        count: int,
        content: tuple[int, int],
        input_shape: tuple[int, int],
        stopwatch: Stopwatch,
    ) -> None:
        device = next(model.parameters()).device
        self.boxes = grid_boxes(count, content).to(device)
        self.input_shape = input_shape
        generator = torch.Generator().manual_seed(0)
        shape = (count * DUPLICATES, 4)
        side = self.boxes[0, 2] - self.boxes[0, 0]
        shake = torch.randn(shape, generator=generator).clamp(-2, 2).to(device)
        self.instance = torch.arange(shape[0], device=device) % count
        # Whose remainder by the number of classes is an instance's class.
        self.kinds = torch.arange(count, device=device)
        self.detected = self.boxes[self.instance] + 0.02 * side * shake
        self.scores = torch.linspace(0.95, 0.6, shape[0], device=device)
        self.embeddings = torch.randn(count, 1024, generator=generator).to(device)
        self.stopwatch = stopwatch
        self.model = model
        self.wrappers = Wrappers()
        if hasattr(model, 'detector'):
            self._wrap_two_stages()
        elif hasattr(model, 'blender'):
            self._wrap_sg_net()
        elif hasattr(model, 'intra_frame_head'):
            self._wrap_instance_flow()
        else:
            self._wrap_one_stage()

    def undo(self) -> None:
        """Let the model detect what it wants again."""
        self.wrappers.undo()

    def _after(self, owner: nn.Module, name: str, change: Callable) -> None:
        """Have ``change(result, *args)`` instead of the result of ``owner.name``.

        What is given by name comes after what is given by place.
        """

        def make(original: Callable) -> Callable:
            def wrapper(*args, **kwargs):
                result = original(*args, **kwargs)
                with self.stopwatch.stage(FORCED):
                    return change(result, *args, *kwargs.values())

            return wrapper

        self.wrappers.replace(owner, name, make)

    def _wrap_one_stage(self) -> None:
        head = self.model.bbox_head
        self._after(self.model, 'extract_test_feat', self._anchors_near_discs)
        self._after(head, 'predict', self._instances)
        if self.model.temporal_net is not None:
            self._after(self.model.temporal_net, 'changes', no_change)

    def _wrap_sg_net(self) -> None:
        head = self.model.bbox_head
        head.test_cfg.max_per_img = max(head.test_cfg.max_per_img, len(self.boxes))
        self._after(self.model, 'extract_test_feat', self._locations_near_discs)
        self._after(head, 'predict', self._divided_instances)

    def _wrap_instance_flow(self) -> None:
        def maps(feats: tuple, *_) -> tuple:
            return be_disc_maps(feats, self.boxes, self.kinds)

        def nothing_moved(fields: Tensor, *_) -> Tensor:
            return disc_offsets(fields, self.boxes)[0].expand_as(fields).contiguous()

        self._after(self.model, 'extract_test_feat', maps)
        if self.model.inter_frame_head is not None:
            self._after(self.model, 'inter_fields', nothing_moved)

    def _wrap_two_stages(self) -> None:
        roi_head = self.model.detector.roi_head
        self._after(roi_head, '_bbox_forward', self._proposals)
        self._after(roi_head, '_mask_forward', disc_masks)
        if hasattr(self.model, 'track_head'):
            track_head, looked = self.model.track_head, []

            def look(roi_feats: Tensor, feats: Any, rois: Tensor) -> Tensor:
                looked[:] = [rois[:, 1:]]
                return roi_feats

            self._after(track_head.roi_extractor, 'forward', look)
            self._after(
                track_head.embed_head,
                'extract_feat',
                lambda found, *_: (self._looks_of(looked[0], found[0]),),
            )

    def _anchors_near_discs(self, feats: tuple, *_) -> tuple:
        outputs, anchors = feats.outputs, feats.anchors[0]
        head = self.model.bbox_head
        # The nearest anchors that are not another detection's: duplicates take the
        # first, second, ... of their disc.
        distances = (anchors[None] - self.boxes[:, None]).abs().sum(-1)
        nearest = distances.topk(DUPLICATES, largest=False).indices.t().flatten()
        deltas, logits = outputs.deltas.clone(), torch.zeros_like(outputs.logits)
        logits[..., -1] = 20.0
        values = head.bbox_coder.encode(anchors[nearest], self.detected)
        deltas[:, nearest] = values.to(deltas.dtype)
        labels = self.kinds[self.instance] % head.num_classes
        logits[:, nearest, labels] = 20.0 + self.scores.logit().to(logits.dtype)
        centerness = torch.ones_like(outputs.centerness)
        changed = dict(deltas=deltas, logits=logits, centerness=centerness)
        return feats._replace(
            outputs=outputs._replace(**changed),
            prototypes=self._prototypes(feats.prototypes),
        )

    def _locations_near_discs(self, feats: tuple, *_) -> tuple:
        base_masks, *fields = feats
        pyramid = detect_near(
            SGNetPyramid(*fields),
            *(self.detected, self.kinds[self.instance], self.scores, DUPLICATES),
        )
        return self._base_masks(base_masks), *pyramid

    def _divided_instances(self, found: tuple, *_) -> tuple:
        dets = found[0]
        discs = self._discs(dets.bboxes)
        be_discs(dets, discs, self.model.blender.num_base_masks)
        if 'embeddings' in dets:
            self._embed(dets)
        return found

    def _base_masks(self, base_masks: Tensor) -> Tensor:
        if self.model.blender.num_scores == self.model.blender.num_base_masks:
            return torch.ones_like(base_masks)
        return self._prototypes(base_masks)

    def _instances(self, dets: InstanceData, *_) -> InstanceData:
        self._embed(dets)
        dets.coefficients = self._disc_coefficients(dets)
        return dets

    def _embed(self, dets: InstanceData) -> None:
        dets.embeddings = self._looks_of(dets.bboxes, dets.embeddings)

    def _looks_of(self, boxes: Tensor, embeddings: Tensor) -> Tensor:
        """Unit vectors, as many and as long as ``embeddings`` (n, d)."""
        instance = self._nearest(boxes)
        return normalize(self.embeddings[instance, : embeddings.shape[1]])

    def _nearest(self, boxes: Tensor) -> Tensor:
        return (boxes[:, None] - self.boxes).abs().sum(-1).argmin(1)

    def _discs(self, boxes: Tensor) -> Tensor:
        """(n, 4), of r^2 - (x - cx)^2 - (y - cy)^2, the sides of the input being 1."""
        height, width = self.input_shape
        boxes = boxes / boxes.new_tensor([width, height] * 2)
        centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        constant = (size / 2).prod(1) - centre.square().sum(1)
        return torch.cat(
            [constant[:, None], 2 * centre, -torch.ones_like(size[:, :1])], dim=1
        )

    def _disc_coefficients(self, dets: InstanceData) -> Tensor:
        weights = torch.zeros_like(dets.coefficients)
        weights[:, :4] = self._discs(dets.bboxes)
        if self.model.coefficient_activation != 'tanh':
            return weights
        # In the range of tanh.
        return (weights / 4).clamp(-0.999, 0.999).atanh()

    def _prototypes(self, prototypes: Tensor) -> Tensor:
        height, width = prototypes.shape[-2:]
        y = torch.linspace(0, 1, height).to(prototypes)[:, None].expand(height, width)
        x = torch.linspace(0, 1, width).to(prototypes)[None].expand(height, width)
        square = x.square() + y.square()
        first = torch.stack([torch.ones_like(x), x, y, square]) * PROTOTYPE_SCALE
        prototypes = prototypes.clone()
        prototypes[:, :4] = first
        return prototypes

    def _proposals(self, results: dict, *given) -> dict:
        # A cascade's stage comes first.
        head = self.model.detector.roi_head.bbox_head
        head = head[given[0]] if len(given) == 3 else head
        rois = given[-1]
        # The first proposals of each frame, which lie one after the other.
        frame = rois[:, 0].contiguous()
        rank = torch.arange(len(rois), device=rois.device)
        rank = rank - torch.searchsorted(frame, frame)
        rows = (rank < len(self.detected)).nonzero().squeeze(1)
        rank = rank[rows]
        labels = self.kinds[self.instance[rank]] % head.num_classes
        scores = torch.zeros_like(results['cls_score'])
        scores[:, -1] = 20.0
        scores[rows, labels] = 20.0 + self.scores[rank].logit()
        deltas = results['bbox_pred'].unflatten(1, (-1, 4)).clone()
        values = head.bbox_coder.encode(rois[rows, 1:], self.detected[rank])
        deltas[rows, labels % deltas.shape[1]] = values
        return results | dict(cls_score=scores, bbox_pred=deltas.flatten(1))


def disc_masks(results: dict, *_) -> dict:
    """Mask logits (n, C, h, w) that are a disc in every box."""
    logits = results['mask_preds']
    y, x = (torch.linspace(-1, 1, side).to(logits) for side in logits.shape[-2:])
    disc = 10 * (1 - y.square()[:, None] - x.square()[None])
    return results | dict(mask_preds=disc.expand_as(logits).clone())


def no_change(result: tuple[Tensor, ...], *_) -> tuple[Tensor, ...]:
    """What the temporal network says of objects that stay where they are."""
    return tuple(torch.zeros_like(part) for part in result)


def grid_boxes(count: int, content: tuple[int, int]) -> Tensor:
    """Boxes (count, 4) xyxy of equal size in a frame of this height and width."""
    height, width = content
    columns = max(1, round((count * width / height) ** 0.5))
    rows = -(-count // columns)
    cell = torch.tensor([width / columns, height / rows])
    place = torch.arange(count)
    centres = (torch.stack([place % columns, place // columns], 1) + 0.5) * cell
    half = 0.35 * cell
    return torch.cat([centres - half, centres + half], 1)
