"""Attention between frames against loops, by what it finds, and by its memory."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from peak_memory import peak_memory

from mmvis.models.layers.temporal_context_fusion import (
    PIXELS_PER_UNIT,
    TemporalContextFusion,
)
from mmvis.registry import MODELS


def build(in_channels=5, out_channels=7, embed_channels=6, **kwargs):
    torch.manual_seed(0)
    return TemporalContextFusion(in_channels, out_channels, embed_channels, **kwargs)


def loops(fusion, target, reference):
    """Pixel by pixel, in double precision."""
    queries, memory = (
        conv(feats).detach().double().numpy()
        for conv, feats in ((fusion.query, target), (fusion.key_value, reference))
    )
    weight = fusion.output.weight.detach().double().numpy()[:, :, 0, 0]
    bias = fusion.output.bias.detach().double().numpy()
    depth = fusion.embed_channels
    batch, _, height, width = queries.shape
    result = np.zeros((batch, len(bias), height, width))
    for b, y, x in np.ndindex(batch, height, width):
        scores, values = [], []
        for v, u in np.ndindex(memory.shape[2:]):
            scores.append(queries[b, :, y, x] @ memory[b, :depth, v, u] / depth**0.5)
            value = list(memory[b, depth:, v, u])
            if fusion.encode_position:
                value += [(u - x) / PIXELS_PER_UNIT, (v - y) / PIXELS_PER_UNIT]
            values.append(value)
        weights = np.exp(scores - np.max(scores))
        weights /= weights.sum()
        result[b, :, y, x] = weight @ (weights @ np.array(values)) + bias
    return result


@pytest.mark.parametrize('encode_position', [True, False])
def test_against_loops(encode_position):
    fusion = build(encode_position=encode_position)
    target, reference = torch.randn(2, 2, 5, 4, 3) * 2
    queries, memory = fusion.embed_target(target), fusion.embed_reference(reference)
    found = fusion(queries, memory)
    expected = loops(fusion, target, reference)
    np.testing.assert_allclose(found.detach(), expected, atol=1e-5)
    # A map of another size can be a reference as well.
    larger = torch.randn(2, 5, 6, 5)
    found = fusion(queries, fusion.embed_reference(larger))
    expected = loops(fusion, target, larger)
    np.testing.assert_allclose(found.detach(), expected, atol=1e-5)


def test_one_target_for_several_references():
    fusion = build()
    target, references = torch.randn(1, 5, 4, 3), torch.randn(3, 5, 4, 3)
    queries, memory = fusion.embed_target(target), fusion.embed_reference(references)
    together = fusion(queries, memory)
    alone = [fusion(queries, one[None]) for one in memory]
    torch.testing.assert_close(together, torch.cat(alone))


def test_it_finds_where_things_have_gone():
    """Each pixel has a code of its own; the reference is the target, displaced."""
    height, width, shift = 6, 8, (2, -1)
    codes = torch.randn(64, height, width, generator=torch.Generator().manual_seed(0))
    reference = codes.roll(shift, dims=(1, 2))
    fusion = build(64, 2, 64 + 2)
    with torch.no_grad():
        for parameter in fusion.parameters():
            parameter.zero_()
        fusion.query.weight[:64, :, 0, 0] = torch.eye(64) * 5
        fusion.key_value.weight[:64, :, 0, 0] = torch.eye(64) * 5
        fusion.output.weight[:, -2:, 0, 0] = torch.eye(2) * PIXELS_PER_UNIT
        moved = fusion(
            fusion.embed_target(codes[None]), fusion.embed_reference(reference[None])
        )
    inside = moved[0, :, : height - 2, 1:]
    expected = torch.tensor([-1.0, 2.0])[:, None, None].expand_as(inside)
    torch.testing.assert_close(inside, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize('training', [True, False])
def test_no_matrix_of_all_pairs_in_memory(training):
    """Four references at stride 8 of 640x360: such a matrix has 207 MB."""
    height, width, references = 45, 80, 4
    fusion = build(32, 32, 64)
    queries = torch.randn(1, 64, height, width)
    memory = torch.randn(references, 126, height, width)

    def run():
        with torch.set_grad_enabled(training):
            found = fusion(queries.requires_grad_(training), memory)
            if training:
                found.sum().backward()

    one_map = references * 64 * height * width * 4
    assert 4 * (height * width) ** 2 * references > 50 * one_map
    assert peak_memory(run) < 14 * one_map


def test_registered():
    init_default_scope('mmvis')
    for name in (
        'TemporalContextFusion',
        'ConcatConvFusion',
        'ConcatCascadeASPPFusion',
    ):
        fusion = MODELS.build(dict(type=name, in_channels=4, out_channels=3))
        target = fusion.embed_target(torch.randn(1, 4, 6, 5))
        memory = fusion.embed_reference(torch.randn(2, 4, 6, 5))
        assert fusion(target, memory).shape == (2, 3, 6, 5)
