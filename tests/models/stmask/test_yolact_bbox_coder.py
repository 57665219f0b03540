"""The coder against the released one's numbers and its closed form."""

import numpy as np
import torch
from fixtures.stmask_fixtures import load

from mmvis.registry import TASK_UTILS


def coder(**kwargs):
    return TASK_UTILS.build(dict(type='YolactBBoxCoder', **kwargs))


def corners(boxes):
    return torch.cat(
        [boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1
    )


def test_the_release_encodes_and_decodes_so():
    arrays = {k: torch.from_numpy(v) for k, v in load('unit/boxes').items()}
    priors = corners(arrays['priors_cxcywh'])
    decoded = coder().decode(priors, arrays['loc'])
    torch.testing.assert_close(decoded, arrays['decoded_xyxy'], atol=5e-5, rtol=1e-4)
    encoded = coder().encode(priors, arrays['gt_xyxy'])
    torch.testing.assert_close(encoded, arrays['encoded'], atol=5e-5, rtol=1e-4)


def test_a_large_change_of_size_is_not_cut():
    """mmdet's coder ends at a factor of 62.5; a person may be 100 times an anchor."""
    prior = torch.tensor([[10.0, 10.0, 12.0, 12.0]])
    deltas = torch.tensor([[0.0, 0.0, np.log(200) / 0.2, np.log(0.001) / 0.2]])
    x1, y1, x2, y2 = coder().decode(prior, deltas)[0].tolist()
    np.testing.assert_allclose([x2 - x1, y2 - y1], [400, 0.002], rtol=1e-2)
