"""Detections for InstanceFlow's tracker."""

import torch
from mmengine.structures import InstanceData


def instances(num, class_scores=None, centers=None):
    if class_scores is None:
        class_scores = [[0.6, 0.4]] * num
    return InstanceData(
        centers=torch.zeros(num, 2) if centers is None else torch.tensor(centers),
        center_scores=torch.linspace(0.9, 0.5, num),
        class_scores=torch.tensor(class_scores).view(num, -1 if num else 2),
    )
