"""The decoder: what is upsampled, and which skip connection comes when."""

import torch

from mmvis.models.instance_flow.deeplab_decoder import DeepLabDecoder, PixelPredictor


def build():
    torch.manual_seed(0)
    return DeepLabDecoder(8, (6, 4), (3, 2), 5)


def maps():
    generator = torch.Generator().manual_seed(1)
    shapes = [(2, 8, 4, 6), (2, 6, 8, 12), (2, 4, 16, 24)]
    return [torch.randn(shape, generator=generator) for shape in shapes]


def test_layers_by_falling_stride():
    decoder, (deep, *skips) = build(), maps()
    layers = decoder(deep, decoder.project(skips))
    assert layers[0] is deep
    assert [layer.shape[1:] for layer in layers[1:]] == [(5, 8, 12), (5, 16, 24)]


def test_a_change_reaches_its_own_layer_and_those_after_it():
    decoder, (deep, skip, shallow) = build(), maps()
    before = decoder(deep, decoder.project((skip, shallow)))
    changed = shallow.clone()
    changed[..., 12] += 1.0
    after = decoder(deep, decoder.project((skip, changed)))
    assert torch.equal(before[1], after[1])
    # The projection sees a pixel, the 5x5 convolution two more on each side.
    columns = (before[2] != after[2]).any(0).any(0).any(0).nonzero().flatten()
    assert columns.tolist() == [10, 11, 12, 13, 14]
    after = decoder(deep, decoder.project((skip + 1, shallow)))
    assert not torch.equal(before[1], after[1])
    assert not torch.equal(before[2], after[2])


def test_skips_of_one_frame_serve_a_batch():
    decoder, (deep, *skips) = build(), maps()
    one = decoder.project([skip[:1] for skip in skips])
    repeated = decoder.project([skip[:1].repeat(2, 1, 1, 1) for skip in skips])
    torch.testing.assert_close(decoder(deep, one), decoder(deep, repeated))


def test_predictions_are_linear():
    torch.manual_seed(0)
    predict = PixelPredictor(5, 4, 2)
    feats = torch.randn(1, 5, 16, 16)
    values = predict(feats)
    with torch.no_grad():
        predict[1].weight.neg_()
    torch.testing.assert_close(predict(feats), -values)
