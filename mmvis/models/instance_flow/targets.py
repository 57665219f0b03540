"""What InstanceFlow's maps should be, from the annotated masks of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from mmvis.models.common.batch_objects import BatchObjects


@dataclass
class InstanceFlowTargets:
    """Targets of B frames at stride s; h = H / s, w = W / s.

    Attributes:
        owner (Tensor): (B, h, w) int64, the object that most of a pixel's area belongs
            to, among all objects of the batch; -1 in the background.
        counted (Tensor): (B, h, w) bool, neither padding nor an ignored object.
        labels (Tensor): (g,) int64 of the objects.
        areas (Tensor): (g,) int64, pixels of the input.
        centers (Tensor): (g, 2) x, y in pixels of the input, mean of the mask.
        reference_centers (Tensor): (g, 2) those of the same objects in the reference
            frames, zero where there is none.
        in_reference (Tensor): (g,) bool, whether there is one. Neither of the masks may
            have lost its last pixel as the frames were made smaller.
        counts (list[int]): Objects of each frame, which come one after the other.
        stride (int): s.
    """

    owner: Tensor
    counted: Tensor
    labels: Tensor
    areas: Tensor
    centers: Tensor
    reference_centers: Tensor
    in_reference: Tensor
    counts: list[int]
    stride: int

    @classmethod
    def make(
        cls,
        frames: list[DetDataSample],
        input_shape: tuple[int, int],
        stride: int,
        device: torch.device,
    ) -> InstanceFlowTargets:
        """Targets of frames, of which 2i and 2i + 1 are each other's reference.

        A single frame in a clip of its own has no reference: give an odd number, or
        frames of different videos.

        Args:
            frames (list[DetDataSample]): B frames with gt_instances (masks of the
                padded size, labels, instances_ids), ignored_instances, img_shape.
            input_shape (tuple[int, int]): H and W of the padded input, multiples of s.
            stride (int): s.
            device (torch.device): Of the targets.

        Raises:
            ValueError: If the stride does not divide the input's size, or masks are of
                another size.
        """
        _check_sizes(frames, input_shape, stride)
        objects = BatchObjects.gather(frames, device)
        counts = [len(frame.gt_instances) for frame in frames]
        partner = _in_partner_frame(objects)
        centers, areas = mask_centers(objects.masks), objects.masks.sum((1, 2))
        # One more row, so that -1 is a place also where there is no object.
        rows, visible = pad(centers, (0, 0, 0, 1)), pad(areas > 0, (0, 1))
        return cls(
            owner=_owners(objects.masks, counts, input_shape, stride),
            counted=_counted(frames, input_shape, stride, device),
            labels=objects.labels,
            areas=areas,
            centers=centers,
            reference_centers=rows[partner],
            in_reference=visible[partner] & (areas > 0),
            counts=counts,
            stride=stride,
        )

    @property
    def foreground(self) -> Tensor:
        """(B, h, w) bool, pixels of objects, the counted ones."""
        return (self.owner >= 0) & self.counted

    def of_owner(self, values: Tensor, background: float | int = 0) -> Tensor:
        """Values (g, ...) of the objects, given to their pixels: (B, h, w, ...)."""
        row = values.new_full((1, *values.shape[1:]), background)
        return torch.cat([values, row])[self.owner]

    def semantic(self, num_classes: int) -> Tensor:
        """(B, h, w) int64 classes; ``num_classes`` is the background."""
        return self.of_owner(self.labels, num_classes)

    def offsets(self, centers: Tensor) -> Tensor:
        """(B, 2, h, w) centre (g, 2) less pixel; of the background zero."""
        found = self.of_owner(centers) - pixel_centers(self.owner, self.stride)
        return found.where(self.owner[..., None] >= 0, 0).movedim(3, 1)

    def heatmap(self, sigma: float) -> Tensor:
        """(B, h, w) the largest of Gaussians around a frame's centres, one at most.

        Args:
            sigma (float): Standard deviation in pixels of the input.
        """
        y, x = (
            _gaussian(self.centers[:, axis], size, self.stride, sigma)
            for axis, size in zip((1, 0), self.owner.shape[1:], strict=True)
        )
        visible = (self.areas > 0)[:, None]
        return by_frame((y * visible)[:, :, None] * x[:, None], self.counts).amax(1)


def by_frame(values: Tensor, counts: list[int]) -> Tensor:
    """(B, n, ...) of values (g, ...): each frame's, and zeros up to n, at least one."""
    blank = values.new_zeros(1, *values.shape[1:])
    together = pad_sequence([*values.split(counts), blank], batch_first=True)
    return together[:-1]


def _gaussian(center: Tensor, size: int, stride: int, sigma: float) -> Tensor:
    """(g, size) of centres (g,), along one axis."""
    place = (torch.arange(size, device=center.device) + 0.5) * stride
    return torch.exp(-(((place - center[:, None]) / sigma) ** 2) / 2)


def pixel_centers(maps: Tensor, stride: int) -> Tensor:
    """(h, w, 2) x and y of the pixels of maps (..., h, w), in pixels of the input."""
    y, x = (
        (torch.arange(n, device=maps.device) + 0.5) * stride for n in maps.shape[-2:]
    )
    return torch.stack(torch.meshgrid(x, y, indexing='xy'), dim=2)


def mask_centers(masks: Tensor) -> Tensor:
    """(g, 2) x and y of the mean of masks (g, H, W); zero of an empty one."""
    counts = masks.sum(1, dtype=torch.int32), masks.sum(2, dtype=torch.int32)
    means = []
    for count in counts:
        place = torch.arange(count.shape[1], device=masks.device) + 0.5
        # Sums beyond 2^24 in float32 would be off by fractions of a pixel only.
        means.append((count * place).sum(1) / count.sum(1).clamp(min=1))
    return torch.stack(means, dim=1)


def _check_sizes(
    frames: list[DetDataSample], input_shape: tuple[int, int], stride: int
) -> None:
    height, width = input_shape
    if height % stride or width % stride:
        raise ValueError(
            f'InstanceFlow needs inputs that {stride} divides, but these are of '
            f'{height}x{width}: set data_preprocessor.pad_size_divisor=32.'
        )
    for frame in frames:
        masks = frame.gt_instances.masks
        if (masks.height, masks.width) != (height, width):
            raise ValueError(
                f'Masks of video {frame.metainfo.get("video_id", "?")} are of '
                f'{masks.height}x{masks.width}, the input is of {height}x{width}: set '
                'data_preprocessor.pad_mask=True.'
            )


def _in_partner_frame(objects: BatchObjects) -> Tensor:
    """(g,) position of the same object in the other frame of the pair, or -1."""
    if len(objects.ids) == 0:
        return objects.ids
    same = objects.ids[:, None] == objects.ids[None]
    found, position = (same & ((objects.frame ^ 1)[:, None] == objects.frame)).max(1)
    return position.where(found, -1)


def _shares(masks: Tensor, stride: int) -> Tensor:
    """(g, h, w) int32 number of a mask's pixels in each pixel of stride s."""
    cells = masks.unflatten(1, (-1, stride)).unflatten(3, (-1, stride))
    return cells.sum((2, 4), dtype=torch.int32)


def _owners(
    masks: Tensor, counts: list[int], input_shape: tuple[int, int], stride: int
) -> Tensor:
    """(B, h, w) int64, see InstanceFlowTargets.owner."""
    if len(masks) == 0:
        size = (side // stride for side in input_shape)
        empty = torch.zeros(len(counts), *size, dtype=torch.long, device=masks.device)
        return empty - 1
    shares = by_frame(_shares(masks, stride), counts)
    # Of equal shares the first object's.
    _, place = shares.max(1)
    starts = torch.tensor([0, *counts[:-1]], device=masks.device).cumsum(0)
    covered = shares.sum(1)
    return (place + starts[:, None, None]).where(2 * covered >= stride**2, -1)


def _counted(
    frames: list[DetDataSample],
    input_shape: tuple[int, int],
    stride: int,
    device: torch.device,
) -> Tensor:
    """(B, h, w) bool, see InstanceFlowTargets.counted."""
    size = [side // stride for side in input_shape]
    empty = torch.zeros(*size, dtype=torch.long, device=device)
    y, x = pixel_centers(empty, stride).unbind(2)[::-1]
    counted = []
    for frame in frames:
        height, width = frame.metainfo['img_shape'][:2]
        inside = (y < height) & (x < width)
        ignored = frame.get('ignored_instances')
        if ignored is not None and len(ignored):
            inside &= ~_ignored(ignored, input_shape, stride, x, y)
        counted.append(inside)
    return torch.stack(counted)


def _ignored(
    ignored: InstanceData,
    input_shape: tuple[int, int],
    stride: int,
    x: Tensor,
    y: Tensor,
) -> Tensor:
    """(h, w) bool, pixels that an ignored object touches, by its mask or its box."""
    # The data preprocessor pads the masks of gt_instances alone.
    masks = ignored.masks.pad(input_shape).to_tensor(torch.uint8, x.device)
    shares = _shares(masks, stride)
    x1, y1, x2, y2 = ignored.bboxes.to(x)[:, :, None, None].unbind(1)
    in_box = (x1 <= x) & (x < x2) & (y1 <= y) & (y < y2)
    has_mask = shares.flatten(1).any(1)[:, None, None]
    return (shares > 0).where(has_mask, in_box).any(0)
