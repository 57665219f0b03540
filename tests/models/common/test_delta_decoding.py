"""Boxes of regressions, beside mmdet's own."""

import pytest
import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder

from mmvis.models.common.delta_decoding import decode_deltas

SHAPE = (80, 90)
CODERS = {
    'rpn': dict(),
    'box_head': dict(target_stds=(0.1, 0.1, 0.2, 0.2)),
    'unclipped': dict(target_stds=(0.1, 0.1, 0.2, 0.2), clip_border=False),
    'shifted': dict(target_means=(0.1, 0.0, 0.0, 0.2)),
    'uneven': dict(target_stds=(0.1, 0.3, 0.2, 0.4)),
    'held': dict(add_ctr_clamp=True, ctr_clamp=3),
}


@pytest.mark.parametrize('name', CODERS)
@pytest.mark.parametrize('classes', [1, 3])
@pytest.mark.parametrize('count', [0, 200])
def test_equal_to_mmdets_to_the_last_bit(name, classes, count):
    generator = torch.Generator().manual_seed(0)
    priors = torch.rand(count, 4, generator=generator) * 60
    priors[:, 2:] += priors[:, :2]
    # Some grow more than is allowed, some leave the frame.
    deltas = torch.randn(count, 4 * classes, generator=generator) * 8
    coder = DeltaXYWHBBoxCoder(**CODERS[name])
    wanted = coder.decode(priors, deltas, max_shape=SHAPE)
    assert torch.equal(decode_deltas(coder, priors, deltas, SHAPE), wanted)
    if count and name == 'unclipped':
        assert wanted.max() > 90 and wanted.min() < 0


def test_another_coder_decodes_by_itself():
    class Own(DeltaXYWHBBoxCoder):
        def decode(self, bboxes, pred_bboxes, max_shape=None):
            return pred_bboxes + max_shape[0]

    deltas = torch.zeros(2, 4)
    found = decode_deltas(Own(), torch.zeros(2, 4), deltas, SHAPE)
    assert torch.equal(found, deltas + 80)
