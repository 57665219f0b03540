"""Which object of the reference frame a sample is: mmdet's answer, without its loop."""

from types import SimpleNamespace

import torch
from mmdet.models.tracking_heads import RoIEmbedHead

from mmvis.models.masktrack_rcnn.embed_head import InstanceEmbedHead


def sampled(counts, num_objects, generator):
    """A sampling result of so many positives and negatives."""
    positives, negatives = counts
    boxes = torch.rand(positives + negatives, 4, generator=generator)
    return SimpleNamespace(
        pos_assigned_gt_inds=torch.randint(
            max(num_objects, 1), (positives,), generator=generator
        ),
        bboxes=boxes,
        pos_bboxes=boxes[:positives],
        neg_inds=torch.arange(negatives),
    )


def test_targets_are_mmdets():
    generator = torch.Generator().manual_seed(0)
    head = InstanceEmbedHead(num_convs=0, num_fcs=1, roi_feat_size=1, in_channels=4)
    ids = [torch.tensor(own) for own in ([7, 3, 9], [], [1, 2], [5])]
    # Objects of equal ids, which no good file has, too.
    ref_ids = [torch.tensor(own) for own in ([9, 4, 7, 9], [3], [], [5, 5])]
    counts = [(6, 3), (0, 4), (3, 2), (2, 0)]
    results = [
        sampled(count, len(own), generator)
        for count, own in zip(counts, ids, strict=True)
    ]
    ids[1] = ids[1].long()
    ref_ids[2] = ref_ids[2].long()
    found = head.get_targets(results, ids, ref_ids)
    expected = RoIEmbedHead.get_targets(head, results, ids, ref_ids)
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other) and one.dtype == other.dtype
    assert found[0][0].max() == 3 and found[0][3].tolist() == [1, 1]
