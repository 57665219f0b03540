"""Augmentation by attention among embeddings, added to the RoI features."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.registry import MODELS

from .reference_set import ReferenceProposals, check_members, left_out


@MODELS.register_module()
class FCFeatureAugmentation(BaseModule):
    """TFAN's augmentation with queries, keys and values of their own.

    Eq. 2 sums RoI features as they are: cells of boxes that lie otherwise on the object
    are mixed, and what is gained in looks is lost in place. Here one fully connected
    layer each makes queries, keys and values of flattened RoI features; what attention
    (in heads, scaled) finds is brought back by a fourth one and added. Before the first
    fully connected layer of a box or track head that is the same as to add it to what
    this layer gives: relations among fc features, as in SELSA and RDN. The last layer
    begins at zero: at the first step a detector pre-trained on images is intact.

    A RoI's own key and value are among the references', as in eqs. 1-2. References are
    remembered by keys and values alone, 2 d numbers each.

    Args:
        in_channels (int): C, channels of a RoI feature.
        roi_feat_size (int): Side of the RoI features; those of another size cannot be
            augmented.
        embed_channels (int): d, of all heads together.
        num_heads (int): They share the channels equally.
        geometry (bool): Whether the place of a reference's box relative to the RoI's is
            added to the logits, by one linear layer of (x, y, log w, log h).
        members (str): Which references take part, see :func:`left_out`.
        init_cfg (dict | list[dict], optional): Of mmengine.

    Raises:
        ValueError: The heads cannot share the channels equally.
    """

    sums_features = False

    def __init__(
        self,
        in_channels: int = 256,
        roi_feat_size: int = 7,
        embed_channels: int = 256,
        num_heads: int = 8,
        geometry: bool = False,
        members: str = 'all',
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if embed_channels % num_heads:
            raise ValueError(
                f'augmentation.embed_channels, {embed_channels}, must be a multiple of '
                f'num_heads, {num_heads}.'
            )
        if init_cfg is None:
            init_cfg = dict(type='Xavier', layer='Linear', distribution='uniform')
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        self.roi_feat_size = roi_feat_size
        self.num_heads = num_heads
        self.members = check_members(members)
        length = in_channels * roi_feat_size**2
        self.query = nn.Linear(length, embed_channels)
        self.key_value = nn.Linear(length, 2 * embed_channels)
        self.output = nn.Linear(embed_channels, length)
        self.geometry = nn.Linear(4, num_heads) if geometry else None
        self._begin_at_zero()

    def init_weights(self) -> None:
        """As init_cfg says, and zero for what is added."""
        super().init_weights()
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for layer in filter(None, (self.output, self.geometry)):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def embeddings(self, roi_feats: Tensor) -> Tensor:
        """Keys and values of RoI features (m, C, s, s): (m, 2 d), float32 at least."""
        return _at_least_float(self.key_value(roi_feats.flatten(1)))

    def prepared(self, references: ReferenceProposals) -> ReferenceProposals:
        """The same set: there is nothing that several calls could share."""
        return references

    def forward(
        self, roi_feats: Tensor, bboxes: Tensor, references: ReferenceProposals
    ) -> tuple[Tensor, Tensor]:
        """Augment the RoI features of one key frame.

        Args:
            roi_feats (Tensor): (m, C, s, s), s being ``roi_feat_size``.
            bboxes (Tensor): (m, 4) xyxy, the RoIs.
            references (ReferenceProposals): t of them, embedded.

        Returns:
            tuple[Tensor, Tensor]: (m, C, s, s), of the same dtype; and the weights
            (m, heads, 1 + t) of a RoI's own value and of the references'.
        """
        queries = _at_least_float(self.query(roi_feats.flatten(1)))
        with torch.autocast(roi_feats.device.type, enabled=False):
            own, others = (
                self._in_heads(e)
                for e in (self.embeddings(roi_feats), references.embeddings)
            )
            queries = queries.unflatten(1, (self.num_heads, -1))
            (own_keys, own_values), (keys, values) = own, others
            logits = torch.cat(
                [
                    (queries * own_keys).sum(2, keepdim=True),
                    torch.einsum('mhd,thd->mht', queries, keys),
                ],
                dim=2,
            )
            logits = logits / queries.shape[2] ** 0.5
            if self.geometry is not None:
                logits = logits + self._geometry_logits(bboxes, references.places)
            out = left_out(self.members, bboxes, references)
            weights = logits.masked_fill(out[:, None], -torch.inf).softmax(2)
            found = weights[:, :, :1] * own_values + torch.einsum(
                'mht,thd->mhd', weights[:, :, 1:], values
            )
        added = self.output(found.flatten(1).to(self.output.weight.dtype))
        return roi_feats + added.to(roi_feats.dtype).view_as(roi_feats), weights

    def _in_heads(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values, (n, heads, d / heads) each."""
        return tuple(embeddings.unflatten(1, (2, self.num_heads, -1)).unbind(1))

    def _geometry_logits(self, bboxes: Tensor, places: Tensor) -> Tensor:
        """(m, heads, 1 + t); a RoI's own place is the origin."""
        assert self.geometry is not None
        both = torch.cat([bboxes[:, None], places.expand(len(bboxes), -1, -1)], dim=1)
        centers, sizes = (
            (both[..., :2] + both[..., 2:]) / 2,
            both[..., 2:] - both[..., :2],
        )
        sizes = sizes.clamp(min=1)
        offsets = (centers - centers[:, :1]) / sizes[:, :1]
        ratios = (sizes / sizes[:, :1]).log()
        # Of two boxes that are far from each other it does not matter how far.
        return self.geometry(torch.cat([offsets.clamp(-4, 4), ratios], 2).float()).mT


def _at_least_float(embedded: Tensor) -> Tensor:
    return embedded.to(torch.promote_types(embedded.dtype, torch.float32))
