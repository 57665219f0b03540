"""TFAN's augmentation of RoI features by those of proposals in other frames."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from mmvis.registry import MODELS

from .reference_set import ReferenceProposals, check_members, left_out


@MODELS.register_module()
class TemporalFeatureAugmentation(BaseModule):
    """Similarity-weighted sum of reference features (TFAN, section 2.2, eqs. 1-2).

    The feature of proposal i becomes the sum of the features of all proposals j of the
    reference set, weighted by the softmax over j of

        s_ij = cos(f_e(r_i), f_e(r_j)) / temperature,

    f_e being one fully connected layer. A RoI is a member of its own reference set, as
    the paper's proposals are, also where it is not among the t best or was refined
    since. The weights of all RoIs take memory O(m t), and one matrix product sums the
    features.

    What all RoI features have in common makes any two of them alike, with cosines of
    0.96 in a network that begins to learn. Centred, the mean of f_e over the reference
    set is subtracted: RoIs are compared by what tells them apart. The paper has no such
    mean.

    f_e reads a RoI feature of ``roi_feat_size`` squared, flattened: what is where in
    the box counts. Features of another size (14 in the mask branch) are brought to it
    by average pooling, so that all branches share f_e and the references' embeddings.

    Args:
        in_channels (int): C, channels of a RoI feature.
        roi_feat_size (int): Side of the RoI features that f_e reads.
        embed_channels (int): d, length of an embedding.
        temperature (float): The initial one. Eqs. 1-2 as printed have 1: weights then
            differ by no more than e^2, and every feature becomes nearly the mean.
        learn_temperature (bool): Whether it is trained.
        centred (bool): Whether the references' mean is subtracted.
        residual (bool): Add the sum to the feature instead of replacing it.
        members (str): Which references take part, see :func:`left_out`; 'all', as in
            the paper.
        init_cfg (dict | list[dict], optional): Of mmengine.
    """

    # What is summed are RoI features, of every size.
    sums_features = True

    def __init__(
        self,
        in_channels: int = 256,
        roi_feat_size: int = 7,
        embed_channels: int = 256,
        temperature: float = 0.05,
        learn_temperature: bool = True,
        centred: bool = False,
        residual: bool = False,
        members: str = 'all',
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if temperature <= 0:
            raise ValueError(f'temperature must be above 0, but is {temperature}.')
        if init_cfg is None:
            init_cfg = dict(type='Xavier', layer='Linear', distribution='uniform')
        super().__init__(init_cfg=init_cfg)
        self.members = check_members(members)
        self.in_channels = in_channels
        self.roi_feat_size = roi_feat_size
        self.embed = nn.Linear(in_channels * roi_feat_size**2, embed_channels)
        self.initial_temperature = temperature
        self.centred = centred
        self.residual = residual
        # Positive for any value, and where weight decay pulls is the initial one.
        exponent = torch.zeros(())
        if learn_temperature:
            self.temperature_exponent = nn.Parameter(exponent)
        else:
            self.register_buffer('temperature_exponent', exponent)

    @property
    def temperature(self) -> Tensor:
        """What cosines are divided by, () float."""
        return self.initial_temperature * self.temperature_exponent.exp()

    def embeddings(self, roi_feats: Tensor) -> Tensor:
        """f_e of RoI features (m, C, s, s): (m, d), float32 at least."""
        if roi_feats.shape[-1] != self.roi_feat_size:
            roi_feats = adaptive_avg_pool2d(roi_feats, self.roi_feat_size)
        embedded = self.embed(roi_feats.flatten(1))
        return embedded.to(torch.promote_types(embedded.dtype, torch.float32))

    def prepared(self, references: ReferenceProposals) -> ReferenceProposals:
        """The same set, for several calls: what all of them compute is in it."""
        if self.centred:
            return references
        return references._replace(
            embeddings=_unit(references.embeddings), temperature=self.temperature
        )

    def forward(
        self, roi_feats: Tensor, bboxes: Tensor, references: ReferenceProposals
    ) -> tuple[Tensor, Tensor]:
        """Augment the RoI features of one key frame.

        Args:
            roi_feats (Tensor): (m, C, s, s).
            bboxes (Tensor): (m, 4) xyxy, the RoIs. Where one is a reference itself, it
                counts once.
            references (ReferenceProposals): With features of size s.

        Returns:
            tuple[Tensor, Tensor]: (m, C, s, s), of the same dtype; and the weights
            (m, 1 + t) of a RoI's own feature and of the references'.
        """
        weights = self.weights(self.embeddings(roi_feats), bboxes, references)
        feats = references.feats[roi_feats.shape[-1]]
        own, others = weights.to(roi_feats.dtype).split([1, len(feats)], dim=1)
        augmented = torch.addmm(
            own * roi_feats.flatten(1), others, feats.flatten(1)
        ).to(roi_feats.dtype)
        augmented = augmented.view_as(roi_feats)
        return roi_feats + augmented if self.residual else augmented, weights

    def weights(
        self, embeddings: Tensor, bboxes: Tensor, references: ReferenceProposals
    ) -> Tensor:
        """Weights (m, 1 + t) of RoIs' own features and of the references'."""
        with torch.autocast(embeddings.device.type, enabled=False):
            first, second = embeddings, references.embeddings
            if self.centred:
                valid = references.valid[:, None].to(second.dtype)
                mean = (second * valid).sum(0) / valid.sum().clamp(min=1)
                first, second = first - mean, second - mean
            first, temperature = _unit(first), references.temperature
            if temperature is None:
                second, temperature = _unit(second), self.temperature
            # A RoI's cosine with itself is one; computed, f_e has a gradient also where
            # there is no reference.
            own = (first * first).sum(1, keepdim=True)
            logits = torch.cat([own, first @ second.T], dim=1) / temperature
            out = left_out(self.members, bboxes, references)
            return logits.masked_fill(out, -torch.inf).softmax(1)


def _unit(embeddings: Tensor) -> Tensor:
    # The bound keeps the gradient of an embedding of zeros finite.
    return normalize(embeddings, dim=1, eps=1e-3)
