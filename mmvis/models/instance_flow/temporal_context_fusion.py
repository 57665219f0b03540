"""Fusion of a frame's features with those of a reference frame (InstanceFlow)."""

from __future__ import annotations

import torch
from mmdet.models.layers import SinePositionalEncoding
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmvis.registry import MODELS

# Of the encoded positions, in pixels of a map and 2 pi.
LONGEST_WAVE = 100
# Displacements reach the output in eights of a map's pixel, sizes like other features'.
PIXELS_PER_UNIT = 8.0


@MODELS.register_module()
class TemporalContextFusion(BaseModule):
    """Dot-product attention from the target to a reference frame (section III-B2).

    Queries are of the target frame, keys and values of the reference frame, all of
    them "compacted" to ``embed_channels`` by 1x1 convolutions. Keys and values are what
    the memory holds of a frame. Values have as many channels as keys: with any other
    number torch's attention on a CPU builds the L x L matrix.

    The paper says that fused features contain "position encoding of multiple frames",
    but not which. Here two of the values' channels are the reference pixel's
    coordinates. What attention gives of them, less the target pixel's own, is where the
    pixel's counterpart lies: a displacement, whatever the place in the frame. And
    sines of coordinates are added to queries, with a learned weight, and to keys, so
    that of look-alikes the one that is near can be told from the one that is not:
    without, attention finds a place between them.

    Args:
        in_channels (int): Channels of the encoder's map.
        out_channels (int): Channels of the map of the skip connection, to which the
            result is added.
        embed_channels (int): d_k = d_v, a multiple of 4 where positions are encoded.
        encode_position (bool): Whether values carry coordinates, queries and keys
            their sines.
        init_cfg (dict | list[dict], optional): Of mmengine.

    Raises:
        ValueError: If ``embed_channels`` is no multiple of 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embed_channels: int = 64,
        encode_position: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.encode_position = encode_position
        if encode_position:
            if embed_channels % 4:
                raise ValueError(
                    'TemporalContextFusion encodes positions in a multiple of 4 '
                    f'channels, not in embed_channels={embed_channels}.'
                )
            self.sines = SinePositionalEncoding(embed_channels // 2, LONGEST_WAVE)
            self.position_weight = nn.Parameter(torch.ones(embed_channels))
        self.query = nn.Conv2d(in_channels, embed_channels, 1)
        value_channels = embed_channels - 2 * encode_position
        self.key_value = nn.Conv2d(in_channels, embed_channels + value_channels, 1)
        self.embed_channels = embed_channels
        self.output = nn.Conv2d(embed_channels, out_channels, 1)

    def embed_target(self, feats: Tensor) -> Tensor:
        """Queries (B, d, h, w) of the encoder's map (B, in_channels, h, w)."""
        queries = self.query(feats)
        if self.encode_position:
            weight = self.position_weight[:, None, None]
            queries = queries + weight * self._sines(queries)
        return queries

    def embed_reference(self, feats: Tensor) -> Tensor:
        """Keys and values (B, d', h, w) of the encoder's map, for the memory."""
        found = self.key_value(feats)
        if self.encode_position:
            keys, values = found.split(
                [self.embed_channels, found.shape[1] - self.embed_channels], 1
            )
            found = torch.cat([keys + self._sines(keys), values], dim=1)
        return found

    def _sines(self, maps: Tensor) -> Tensor:
        """Encoded positions (1, d, h, w) of maps (B, C, h, w)."""
        nothing_masked = maps.new_zeros(1, *maps.shape[-2:], dtype=torch.bool)
        return self.sines(nothing_masked).to(maps)

    def forward(self, target: Tensor, reference: Tensor) -> Tensor:
        """What the reference frame tells about each pixel of the target frame.

        Args:
            target (Tensor): (B, d, h, w), or (1, d, h, w) for all references.
            reference (Tensor): (B, d', h', w').

        Returns:
            Tensor: (B, out_channels, h, w). Memory grows with h w + h' w'.
        """
        # A place is a sum over thousands of pixels less the pixel's own: in half
        # precision both are wrong by pixels, their difference more.
        with torch.autocast(target.device.type, enabled=False):
            found = self._attend(target.float(), reference.float())
        return self.output(found.to(target.dtype))

    def _attend(self, target: Tensor, reference: Tensor) -> Tensor:
        """What attention finds, (B, d, h, w): features, and places as displacements."""
        # Not len(): torch.export would take the number for a constant.
        size, rows, columns = reference.shape[0], *target.shape[-2:]
        keys = reference[:, : self.embed_channels]
        values = reference[:, self.embed_channels :]
        if self.encode_position:
            values = torch.cat([values, _coordinates(values)], dim=1)
        queries = target.expand(size, -1, -1, -1)
        found = scaled_dot_product_attention(
            _tokens(queries), _tokens(keys), _tokens(values)
        )
        found = found.squeeze(1).mT.unflatten(2, (rows, columns))
        if self.encode_position:
            feats, places = found.split([self.embed_channels - 2, 2], dim=1)
            found = torch.cat([feats, places - _coordinates(found)], dim=1)
        return found


def _tokens(maps: Tensor) -> Tensor:
    """(B, d, h, w) as one head of h w tokens, (B, 1, h w, d)."""
    return maps.flatten(2).mT.contiguous().unsqueeze(1)


def _coordinates(maps: Tensor) -> Tensor:
    """x and y (B, 2, h, w) of the pixels of maps (B, d, h, w), in PIXELS_PER_UNIT."""
    rows, columns = maps.shape[-2:]
    x = torch.arange(columns, device=maps.device, dtype=maps.dtype)
    y = torch.arange(rows, device=maps.device, dtype=maps.dtype)
    grid = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)])
    return (grid / PIXELS_PER_UNIT).expand(maps.shape[0], -1, -1, -1)
