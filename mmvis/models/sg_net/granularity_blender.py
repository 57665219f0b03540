"""Masks of instances from base masks and attention scores (SG-Net, eqs. 2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmvis.registry import MODELS

from .sub_regions import RUN, RegionRuns, cut_into_runs, join_runs, region_runs
from .weighted_sums import WeightedSums


class BoxPixels(NamedTuple):
    """Mask logits of the P pixels that are in boxes, box by box.

    Attributes:
        logits (Tensor): (P,), float32 at least.
        instance (Tensor): (P,) int64, the box.
        pixel (Tensor): (P,) int64, ``y * w + x`` in the base masks.
    """

    logits: Tensor
    instance: Tensor
    pixel: Tensor


class GranularityBlender(nn.Module):
    """What the two readings of eq. 2 have in common. It has no parameters.

    A box is divided by its size (eq. 1), each sub-region is blended by itself, and as
    sub-regions do not overlap, the sum over them is a choice: a pixel's mask is that of
    the sub-region it is in.

    Args:
        max_division (int): The most sub-regions across or down a box.
        region_size (float): Longest side of a sub-region below that limit, in pixels
            of the network input.
        num_base_masks (int): K.
        num_scores (int): Attention scores S of an instance.

    Raises:
        ValueError: If there is no sub-region or base mask, or regions have no size.
    """

    def __init__(
        self,
        max_division: int,
        region_size: float,
        num_base_masks: int,
        num_scores: int,
    ) -> None:
        super().__init__()
        if max_division < 1 or num_base_masks < 1 or not region_size > 0:
            raise ValueError(
                'max_division and num_base_masks must be at least 1 and region_size '
                f'above 0, but they are {max_division}, {num_base_masks} and '
                f'{region_size}.'
            )
        self.max_division = max_division
        self.region_size = region_size
        self.num_base_masks = num_base_masks
        self.num_scores = num_scores

    def forward(
        self,
        base_masks: Tensor,
        scores: Tensor,
        bboxes: Tensor,
        input_shape: Sequence[int],
        frame: Tensor | None = None,
    ) -> Tensor:
        """Soft masks of n instances of one frame, or of B frames.

        Args:
            base_masks (Tensor): (K, h, w), or (B, K, h, w).
            scores (Tensor): (n, S) attention scores.
            bboxes (Tensor): (n, 4) xyxy in pixels of the padded network input.
            input_shape (Sequence[int]): Height H and width W of that input, in pixels.
            frame (Tensor | None): (n,) int64, the frame an instance is in; of B frames.

        Returns:
            Tensor: (n, h, w) in [0, 1], zero outside of the boxes; float32 at least.
        """
        if frame is None:
            base_masks = base_masks[None]
            frame = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
        logits, runs = self._run_logits(base_masks, scores, frame, bboxes, input_shape)
        size = base_masks.shape[-2:]
        masks = cut_into_runs(logits.new_zeros(len(scores), *size))
        num_runs = masks.shape[1]
        masks = masks.flatten(0, 1)
        # The sigmoid of minus infinity is zero. Runs that share pixels are inside of
        # different sub-regions: sums are over one value and zeros.
        values = logits.masked_fill_(~runs.inside, -torch.inf).sigmoid_()
        masks.index_add_(0, runs.instance * num_runs + runs.run, values)
        return join_runs(masks.view(-1, num_runs, RUN), size)

    def logits(
        self,
        base_masks: Tensor,
        scores: Tensor,
        frame: Tensor,
        bboxes: Tensor,
        input_shape: Sequence[int],
    ) -> BoxPixels:
        """Mask logits of p instances of B frames, at the pixels in their boxes.

        Args:
            base_masks (Tensor): (B, K, h, w).
            scores (Tensor): (p, S) attention scores.
            frame (Tensor): (p,) int64, the frame an instance is in.
            bboxes (Tensor): (p, 4) xyxy in pixels of the padded network input. No
                gradient flows into them.
            input_shape (Sequence[int]): Height H and width W of that input, in pixels.

        Returns:
            BoxPixels: P of them, differentiable in base masks and scores.

        Raises:
            ValueError: If K or S are not the blender's.
        """
        logits, runs = self._run_logits(base_masks, scores, frame, bboxes, input_shape)
        height, width = base_masks.shape[-2:]
        inside = runs.inside.flatten().nonzero().squeeze(1)
        run = torch.div(inside, RUN, rounding_mode='floor')
        pixels = torch.arange(height * width, device=inside.device)
        first = cut_into_runs(pixels.view(height, width))[runs.run, 0]
        shift = first - torch.arange(len(first), device=inside.device) * RUN
        return BoxPixels(
            logits.flatten().index_select(0, inside),
            runs.instance[run],
            inside + shift[run],
        )

    def _run_logits(
        self,
        base_masks: Tensor,
        scores: Tensor,
        frame: Tensor,
        bboxes: Tensor,
        input_shape: Sequence[int],
    ) -> tuple[Tensor, RegionRuns]:
        """Logits (S, 16) of the runs that boxes are made of, and these runs."""
        found = base_masks.shape[1], scores.shape[1]
        if found != (self.num_base_masks, self.num_scores):
            raise ValueError(
                f'{type(self).__name__} takes {self.num_base_masks} base masks and '
                f'{self.num_scores} scores an instance, not {found[0]} and {found[1]}.'
            )
        runs = region_runs(
            bboxes.to(torch.promote_types(bboxes.dtype, torch.float32)),
            base_masks.shape[-2:],
            input_shape,
            self.max_division,
            self.region_size,
        )
        dtype = torch.promote_types(base_masks.dtype, scores.dtype)
        dtype = torch.promote_types(dtype, torch.float32)
        base_masks = cut_into_runs(base_masks.to(dtype))
        return self._blend(base_masks, scores.to(dtype), frame, runs), runs

    def _blend(
        self, base_masks: Tensor, scores: Tensor, frame: Tensor, runs: RegionRuns
    ) -> Tensor:
        """Logits (S, 16) of some runs.

        Args:
            base_masks (Tensor): (B, K, runs of a frame, 16).
            scores (Tensor): (p, S') attention scores.
            frame (Tensor): (p,) int64.
            runs (RegionRuns): S of them.
        """
        raise NotImplementedError


@MODELS.register_module()
class ScalarBlender(GranularityBlender):
    """Eq. 2 as printed: a sub-region has one score and a base mask of its own.

    In sub-region j the logit is a_j * B_j: base mask j answers for the j-th sub-region
    of whatever instance.

    Args:
        max_division (int): The most sub-regions across or down a box. Its square is
            the number of scores, and of base masks.
        region_size (float): Longest side of a sub-region below that limit, in pixels
            of the network input.
    """

    def __init__(self, max_division: int = 6, region_size: float = 50.0) -> None:
        num_regions = max_division**2
        super().__init__(max_division, region_size, num_regions, num_regions)

    def _blend(
        self, base_masks: Tensor, scores: Tensor, frame: Tensor, runs: RegionRuns
    ) -> Tensor:
        plane = frame[runs.instance] * self.num_base_masks + runs.region
        index = plane * base_masks.shape[2] + runs.run
        base = base_masks.flatten(0, 2).index_select(0, index)
        index = runs.instance * self.num_scores + runs.region
        return base * scores.flatten().index_select(0, index)[:, None]


@MODELS.register_module()
class VectorBlender(GranularityBlender):
    """Each sub-region has a set of scores: one for every base mask (section 4.3).

    In sub-region j the logit is sum_k a_jk * B_k. One sub-region makes it Yolact's
    masks.

    Args:
        max_division (int): The most sub-regions across or down a box.
        region_size (float): Longest side of a sub-region below that limit, in pixels
            of the network input.
        num_base_masks (int): K. Scores are in order of sub-region, base mask.
    """

    def __init__(
        self,
        max_division: int = 6,
        region_size: float = 50.0,
        num_base_masks: int = 36,
    ) -> None:
        num_scores = max_division**2 * num_base_masks
        super().__init__(max_division, region_size, num_base_masks, num_scores)

    def _blend(
        self, base_masks: Tensor, scores: Tensor, frame: Tensor, runs: RegionRuns
    ) -> Tensor:
        num_runs = base_masks.shape[2]
        index = runs.instance * self.max_division**2 + runs.region
        return WeightedSums.apply(
            base_masks,
            scores.reshape(-1, self.num_base_masks),
            frame[runs.instance] * num_runs + runs.run,
            index,
        )
