"""The branches of InstanceFlow: what each layer reads, and shared weights' shapes."""

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvis.models.instance_flow.inter_frame_head import InterFrameHead
from mmvis.models.instance_flow.intra_frame_head import IntraFrameHead
from mmvis.models.instance_flow.semantic_head import SemanticHead

CHANNELS = (4, 6, 8)
FUSION = dict(type='TemporalContextFusion')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmvis')
    torch.manual_seed(0)


def maps(batch=2, size=(64, 96)):
    return [
        torch.randn(batch, channels, size[0] // stride, size[1] // stride)
        for channels, stride in zip(CHANNELS, (4, 8, 16), strict=True)
    ]


def test_layers_predict_semantics_and_are_summed():
    feats, head = maps(), SemanticHead(5, CHANNELS, 16, (3, 2), 12, 10)
    shallow = [feats[0] + 1, *feats[1:]]
    middle = [feats[0], feats[1] + 1, feats[2]]
    whole, parts = head(feats), []
    weights = [p[1].weight.detach().clone() for p in head.predictors]
    for kept in range(3):
        with torch.no_grad():
            for i, predictor in enumerate(head.predictors):
                predictor[1].weight.copy_(weights[i] * (i == kept))
        parts.append(head(feats))
        assert parts[-1].std() > 1e-4
        # Stride 16 sees C5 alone, stride 8 C3 as well, and stride 4 C2, too.
        assert torch.equal(head(middle), parts[-1]) == (kept == 0)
        assert torch.equal(head(shallow), parts[-1]) == (kept < 2)
    torch.testing.assert_close(sum(parts), whole, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('num_layers', [1, 2])
def test_fewer_layers(num_layers):
    head = SemanticHead(5, CHANNELS, 16, (3, 2), 12, 10, num_layers=num_layers)
    assert len(head.predictors) == num_layers
    assert head(maps()).shape == (2, 6, 16, 24)


def test_a_wrong_number_of_layers():
    with pytest.raises(ValueError, match='num_layers is 4'):
        SemanticHead(5, CHANNELS, num_layers=4)


def test_offsets_are_in_pixels():
    feats, head = maps(), IntraFrameHead(CHANNELS, 16, (3, 2), 12, 10)
    heatmap, offsets = head(feats)
    assert heatmap.shape == (2, 1, 16, 24) and offsets.shape == (2, 2, 16, 24)
    head.offset_unit *= 3
    again, larger = head(feats)
    torch.testing.assert_close(larger, offsets * 3)
    torch.testing.assert_close(again, heatmap)


def test_the_intra_frame_heads_weights_fit_the_inter_frame_head():
    sizes = (CHANNELS, 16, (3, 2), 12)
    intra = IntraFrameHead(*sizes, head_channels=10)
    inter = InterFrameHead(sizes[0], FUSION, *sizes[1:], (8, 4), head_channels=10)
    missing, unexpected = inter.load_state_dict(intra.state_dict(), strict=False)
    assert all(name.startswith('temporal_fusions') for name in missing)
    assert all(name.startswith('center') for name in unexpected)
    # Without anything from the fusions they predict the same.
    with torch.no_grad():
        for fusion in inter.temporal_fusions:
            fusion.output.weight.zero_()
            fusion.output.bias.zero_()
    feats = maps()
    encoded = inter.encode(feats)
    torch.testing.assert_close(
        inter(encoded, encoded.references), intra(feats)[1], atol=1e-5, rtol=1e-4
    )


def test_an_affinity_field_has_no_unit():
    sizes = (CHANNELS, FUSION, 16, (3, 2), 12, (8, 4), 10)
    head = InterFrameHead(*sizes, offset_unit=None)
    other = InterFrameHead(*sizes, offset_unit=7.0)
    other.load_state_dict(head.state_dict())
    encoded = head.encode(maps())
    field, offsets = (h(encoded, encoded.references) for h in (head, other))
    torch.testing.assert_close(field * 7, offsets)
    assert other.gives_offsets and not head.gives_offsets


@pytest.mark.parametrize(
    'fusion', ['TemporalContextFusion', 'ConcatConvFusion', 'ConcatCascadeASPPFusion']
)
def test_one_target_and_several_references(fusion):
    head = InterFrameHead(CHANNELS, dict(type=fusion), 16, (3, 2), 12, (8, 4), 10)
    target, references = head.encode(maps(1)), head.encode(maps(3)).references
    together = head(target, references)
    for i in range(3):
        alone = head(target, tuple(maps[i : i + 1] for maps in references))
        torch.testing.assert_close(together[i], alone[0], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-4)


@pytest.mark.parametrize('stride', [16, 8])
def test_references_enter_at_strides_16_and_8(stride):
    head = InterFrameHead(CHANNELS, FUSION, 16, (3, 2), 12, (8, 4), 10)
    target, (deep, skip) = head.encode(maps(1)), head.encode(maps(1)).references
    assert deep.shape[2:] == (4, 6) and skip.shape[2:] == (8, 12)
    changed = (deep + 1, skip) if stride == 16 else (deep, skip + 1)
    before, after = head(target, (deep, skip)), head(target, changed)
    assert not torch.allclose(before, after, atol=1e-5)
