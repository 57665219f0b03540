"""What only the checkpoints need that STMask's authors released (MinghanLi/STMask).

The floor plan. ``docs/en/models/stmask.md`` says where release and paper differ.

    network.py               which network a file holds, by its names and shapes
    names.py                 names of its tensors, there and here
    checkpoint.py            weights under the names of this package
    head.py                  the head with the release's order of centerness
    calibration.py           FCB as released: features are sampled, then predicted from
    class_aware_assigner.py  objects to anchors, by IoU and class score
    class_loss.py            the loss of classes, weights paired as released
"""

from .calibration import CalibratedFeatureConvolution
from .class_aware_assigner import ClassAwareAssigner
from .class_loss import ReleasedHardNegativeCrossEntropyLoss
from .head import ReleasedSTMaskHead

__all__ = [
    'CalibratedFeatureConvolution',
    'ClassAwareAssigner',
    'ReleasedHardNegativeCrossEntropyLoss',
    'ReleasedSTMaskHead',
]
