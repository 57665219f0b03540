"""Attention between frames against loops, by what it finds, and by its memory."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from peak_memory import peak_memory

from mmvis.models.instance_flow.temporal_context_fusion import (
    LONGEST_WAVE,
    PIXELS_PER_UNIT,
    TemporalContextFusion,
)
from mmvis.registry import MODELS


def build(in_channels=5, out_channels=7, embed_channels=8, **kwargs):
    torch.manual_seed(0)
    fusion = TemporalContextFusion(in_channels, out_channels, embed_channels, **kwargs)
    if fusion.encode_position:
        torch.nn.init.normal_(fusion.position_weight)
    return fusion


def sines(y: int, x: int, depth: int) -> np.ndarray:
    """Half of the channels tell of the row, half of the column."""
    numbers = np.arange(depth // 4)
    speed = LONGEST_WAVE ** (-numbers / (depth // 4))
    waves = [f((at + 1) * speed) for at in (y, x) for f in (np.sin, np.cos)]
    return np.stack([*waves], 0).reshape(2, 2, -1).transpose(0, 2, 1).reshape(-1)


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
    if fusion.encode_position:
        factor = fusion.position_weight.detach().double().numpy()
        for y, x in np.ndindex(height, width):
            queries[:, :, y, x] += factor * sines(y, x, depth)
        for y, x in np.ndindex(memory.shape[2:]):
            memory[:, :depth, y, x] += sines(y, x, depth)
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
    fusion = build(64, 2, 64 + 4)
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


def test_of_look_alikes_the_near_one_is_found():
    """Two columns alike; without positions attention finds the middle."""
    reference = torch.zeros(1, 4, 6, 24)
    reference[:, 0, :, [4, 18]] = 1.0
    target = reference.roll(1, dims=3)
    found = {}
    for encoded in (False, True):
        fusion = build(4, 2, 64, encode_position=encoded)
        values = 64 - 2 * encoded
        with torch.no_grad():
            for parameter in fusion.parameters():
                parameter.zero_()
            fusion.query.weight[0, 0] = fusion.key_value.weight[0, 0] = 12.0
            if encoded:
                fusion.position_weight.fill_(4.0)
                fusion.output.weight[:, -2:, 0, 0] = torch.eye(2) * PIXELS_PER_UNIT
            else:  # the reference's columns as a feature
                reference[:, 1] = torch.arange(24.0)
                fusion.key_value.weight[64, 1] = fusion.output.weight[0, 0] = 1.0
            x = fusion(fusion.embed_target(target), fusion.embed_reference(reference))
        found[encoded] = x[0, 0, 3, [5, 19]]
        assert values == fusion.output.in_channels - 2 * encoded
    torch.testing.assert_close(found[False], torch.tensor([11.0, 11.0]))
    # Displacements of -1; the far one would draw them 7 px away.
    torch.testing.assert_close(
        found[True], torch.tensor([-1.0, -1.0]), atol=0.1, rtol=0
    )


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


def test_places_are_summed_in_single_precision():
    """Where attention is even, the place found is the middle of the map."""
    rows, columns = 45, 80
    fusion = build(8, 2, 8)
    with torch.no_grad():
        for part in (fusion.query, fusion.key_value, fusion.position_weight):
            for values in [part] if torch.is_tensor(part) else part.parameters():
                values.zero_()
        # Only the places come out; the keys' sines would make it uneven.
        fusion.output.weight.zero_()
        fusion.output.weight[0, -2] = fusion.output.weight[1, -1] = 1
        fusion.output.bias.zero_()
    feats = torch.zeros(1, 8, rows, columns)
    with torch.autocast('cpu', torch.bfloat16):
        found = fusion(fusion.embed_target(feats), fusion.embed_reference(feats))
    x = (columns - 1) / 2 - torch.arange(columns)
    # What is left is one rounding, of the difference.
    expected = (x / PIXELS_PER_UNIT).bfloat16().float()
    torch.testing.assert_close(
        found[0, 0].float(), expected.expand(rows, -1), rtol=0.01, atol=1e-3
    )


@pytest.mark.parametrize(('gain', 'sharpness'), [(1.0, 0.35), (1.5, 0.95)])
def test_bfloat16_finds_the_same_places(gain, sharpness):
    """Peaks of random looks: 99 of 100 places within a pixel of the input.

    That is measured at stride 8 of 640x360. What is lost is of the rounded features and
    keys, in parts alike; that places were rounded would be seen.
    """
    rows, columns, stride, depth = 45, 80, 8, 64
    fusion = build(depth, 2, depth)
    with torch.no_grad():
        for parameter in fusion.parameters():
            parameter.zero_()
        torch.nn.init.normal_(fusion.key_value.weight, std=gain / depth**0.5)
        fusion.query.weight.copy_(fusion.key_value.weight[:depth])
        fusion.position_weight.fill_(1.0)
        fusion.output.weight[:, -2:, 0, 0] = torch.eye(2)
    reference = torch.randn(1, depth, rows, columns)
    target = reference.roll((2, -3), dims=(2, 3))
    target = target + torch.randn_like(target) * 0.1
    found = []
    with torch.no_grad():
        for enabled in (False, True):
            with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
                queries = fusion.embed_target(target)
                memory = fusion.embed_reference(reference)
                places = fusion(queries, memory).float() * PIXELS_PER_UNIT
                # Of those in both frames: a way across the frame is rounded by more.
                found.append((places * stride)[..., 2:, : columns - 3])
            if not enabled:
                scores = queries.flatten(2).mT @ memory[:, :depth].flatten(2)
                weights = (scores / depth**0.5).softmax(2).amax(2)
                assert weights.median() > sharpness
    wrong = (found[1] - found[0]).abs().amax(1).flatten()
    assert 0 < wrong.quantile(0.99) < 1.0
