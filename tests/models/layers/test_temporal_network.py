"""TemporalNetwork against numbers of the released code and a plain RoIAlign."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmvis.models.layers.temporal_network import (
    TemporalNetwork,
    boxes_to_cells,
    clip_to_map,
)
from mmvis.registry import MODELS

FIXTURES = Path(__file__).parents[2] / 'fixtures/stmask'


def load(name):
    with np.load(FIXTURES / f'{name}.npz') as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def small_network(**kwargs):
    settings = dict(in_channels=6, channels=(5, 7), num_coefficients=3) | kwargs
    return TemporalNetwork(**settings)


def test_pools_as_the_release_does():
    numbers = load('unit/correlate_roi')
    features, expected = numbers['roi_feat'], numbers['roi_out_7x7']
    shape = features.shape[-2:]
    boxes = boxes_to_cells(numbers['roi_boxes_norm'] * 640, (640, 640), shape)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
    pooled = small_network().pool(features, rois)
    torch.testing.assert_close(pooled, expected, atol=5e-5, rtol=1e-4)


def test_boxes_in_cells_are_those_of_the_release():
    numbers = load('temporal_r50_ada_A0_to_A1')
    boxes = numbers['boxes'] * torch.tensor([320.0, 192.0, 320.0, 192.0])
    cells = clip_to_map(boxes_to_cells(boxes, (192, 320), (12, 20)), (12, 20))
    torch.testing.assert_close(cells, numbers['roi_boxes_feature_px'])
