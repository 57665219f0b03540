"""The reference set of a frame: proposals that augment its RoI features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

MEMBERS = ('all', 'own', 'key', 'others')


class ReferenceProposals(NamedTuple):
    """The reference set of a key frame: t proposals of all sampled frames.

    Attributes:
        feats (dict[int, Tensor]): RoI features (t, C, s, s) for each size s in use;
            none where the augmentation sums something else.
        embeddings (Tensor): (t, d), what the augmentation makes of a reference.
        bboxes (Tensor): (t, 4) xyxy of proposals of the key frame itself, NaN for those
            of other frames.
        places (Tensor): (t, 4) xyxy of all of them, each in its own frame.
        valid (Tensor): (t,) bool; the other rows are place-holders without weight.
        temperature (Tensor | None): () where the augmentation has prepared the
            embeddings: they are of length one, and their cosines divided by it.

    B frames that come together share the rows of one set, of which each has its own:
    then bboxes are (B, t, 4) and valid (B, t). What m RoIs see of such a set is (m, t,
    4) and (m, t), see :meth:`of_rois`.
    """

    feats: dict[int, Tensor]
    embeddings: Tensor
    bboxes: Tensor
    places: Tensor
    valid: Tensor
    temperature: Tensor | None = None

    def split(self, counts: list[int]) -> list[ReferenceProposals]:
        """Sets of so many references each."""
        feats: list[dict[int, Tensor]] = [{} for _ in counts]
        for size, values in self.feats.items():
            for part, value in zip(feats, values.split(counts), strict=True):
                part[size] = value
        names = ('embeddings', 'bboxes', 'places', 'valid')
        rest = (getattr(self, name).split(counts) for name in names)
        return [
            self._replace(feats=own, **dict(zip(names, parts, strict=True)))
            for own, *parts in zip(feats, *rest, strict=True)
        ]

    def of_rois(self, frame: Tensor) -> ReferenceProposals:
        """Of a set that frames share, what RoIs of frames (m,) int64 see."""
        return self._replace(bboxes=self.bboxes[frame], valid=self.valid[frame])

    def of_each_frame(self) -> list[ReferenceProposals]:
        """The sets of B frames that share one."""
        own = zip(self.bboxes, self.valid, strict=True)
        return [self._replace(bboxes=boxes, valid=valid) for boxes, valid in own]

    def for_another_frame(self) -> ReferenceProposals:
        """The same set for RoIs of a frame that none of the ``bboxes`` are of."""
        return self._replace(bboxes=torch.full_like(self.bboxes, torch.nan))


def check_members(members: str) -> str:
    """One of MEMBERS.

    Raises:
        ValueError: It is none.
    """
    if members not in MEMBERS:
        raise ValueError(
            f'augmentation.members must be one of {MEMBERS}, but is {members!r}.'
        )
    return members


def left_out(members: str, bboxes: Tensor, references: ReferenceProposals) -> Tensor:
    """Which of a RoI's own feature and of t references have no weight.

    A RoI that is a reference itself counts once, as its own.

    Args:
        members (str): 'all'; 'own', nothing but the RoI's feature; 'key', it and the
            references of the key frame; 'others', the references of other frames, and
            a RoI's own feature only where there is none of these.
        bboxes (Tensor): (m, 4) xyxy, the RoIs.
        references (ReferenceProposals): t of them, as one frame or each RoI sees them.

    Returns:
        Tensor: (m, 1 + t) bool, not all of them in any row.
    """
    itself = (bboxes[:, None] == references.bboxes).all(2)
    # Truth being more than falsehood: itself, or not valid.
    others = itself >= references.valid
    if members == 'own':
        others = others | True
    elif members in ('key', 'others'):
        of_other = references.bboxes.isnan().any(-1)
        others = others | (of_other if members == 'key' else ~of_other)
    if members == 'others':
        return torch.cat([~others.all(1, keepdim=True), others], dim=1)
    return pad(others, (1, 0))


def shares(weights: Tensor, references: ReferenceProposals) -> Tensor:
    """Mean weights (3,) of own features, of the key frame's references, of the others'.

    Args:
        weights (Tensor): (m, 1 + t), or (m, heads, 1 + t).
        references (ReferenceProposals): t of them.
    """
    mean = weights.detach().flatten(0, -2).float().mean(0)
    of_key = ~references.bboxes.isnan().any(1)
    key = (mean[1:] * of_key).sum()
    return torch.stack([mean[0], key, mean[1:].sum() - key])
