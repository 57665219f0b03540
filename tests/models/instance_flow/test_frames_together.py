"""What is computed of several frames together is what each of them gives by itself."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.models.instance_flow import frame_pairs
from mmvis.models.instance_flow.assembly import InstanceAssembly
from mmvis.models.instance_flow.flow import FramesInstances
from mmvis.models.instance_flow.inter_frame_head import InterFrameFeatures
from mmvis.models.instance_flow.masks import soft_masks, with_masks
from mmvis.registry import TASK_UTILS

SIZE, STRIDE, CLASSES = (12, 17), 4, 3
WAYS = ('OffsetResidual', 'InterOffsetAverage', 'InterOffsetIoU', 'AffinityField')


@pytest.fixture(params=range(2))
def maps(request):
    """Of four frames, the second one without foreground."""
    generator = torch.Generator().manual_seed(request.param)
    semantic = torch.rand(4, CLASSES + 1, *SIZE, generator=generator).softmax(1)
    heatmap = torch.rand(4, *SIZE, generator=generator)
    # Equal values that touch are one centre, also at the same place of two frames.
    heatmap[2:, 3, 4:6] = 2.0
    offsets = torch.randn(4, 2, *SIZE, generator=generator) * 20
    offsets[0, :, 2, 3] = torch.nan
    foreground = torch.rand(4, *SIZE, generator=generator) > 0.3
    foreground[1] = False
    return semantic, heatmap, offsets, foreground


def assemble(maps, min_area=1):
    return InstanceAssembly(21, 0.5, top_k=5, min_area=min_area).of_frames(
        *maps, STRIDE
    )


@pytest.mark.parametrize('min_area', [1, 12 * STRIDE**2])
def test_assembly(maps, min_area):
    dets, instances = assemble(maps, min_area)
    assert instances.counts[1] == 0 < min(instances.counts[::2])
    first = 0
    for t, count in enumerate(instances.counts):
        own, one = assemble([part[t : t + 1] for part in maps], min_area)
        assert count == len(own)
        for name in ('centers', 'center_scores', 'class_scores'):
            assert torch.equal(dets[name][first : first + count], own[name]), name
        target, alone = instances.of_frame(t), one.of_frame(0)
        assert all(map(torch.equal, target[:2], alone[:2]))
        first += count


@pytest.mark.parametrize('way', WAYS)
def test_distances_of_pairs(maps, way):
    _, instances = assemble(maps)
    generator = torch.Generator().manual_seed(9)
    frame = [0, 2, 2, 3]
    fields = torch.randn(len(frame), 2, *SIZE, generator=generator) * 8
    centers = [torch.rand(n, 2, generator=generator) * 50 for n in (3, 0, 2, 4)]
    flow = TASK_UTILS.build(dict(type=way))
    found = flow.of_frames(instances, fields, frame, centers)
    for pair, t in enumerate(frame):
        target, part = instances.of_frame(t), slice(pair, pair + 1)
        (expected,) = flow(target, fields[part], centers[part])
        assert expected.shape == (instances.counts[t], len(centers[pair]))
        torch.testing.assert_close(found[pair], expected)


def test_masks(maps, monkeypatch):
    _, instances = assemble(maps)
    probability = 1 - maps[0][:, -1]
    tracked = [
        InstanceData(scores=torch.rand(count), left=torch.rand(count))
        for count in instances.counts
    ]
    height, width = (side * STRIDE for side in SIZE)
    shape = (height, width)
    metainfo = dict(ori_shape=shape, img_shape=shape, batch_input_shape=shape)
    # Two frames at a time.
    name = 'mmvis.models.common.frame_groups.PIXELS_AT_ONCE'
    monkeypatch.setattr(name, sum(instances.counts[2:]) * height * width)
    results = list(with_masks(tracked, instances, probability, metainfo))
    for t, (result, own) in enumerate(zip(results, tracked, strict=True)):
        target = instances.of_frame(t)
        centers, part = target.centers, slice(t, t + 1)
        alone = FramesInstances(
            *(centers, centers, [len(centers)], target.id_map[None]),
            *(target.intra_offsets[None], STRIDE),
        )
        soft = soft_masks(alone, probability[part])
        assert torch.equal(soft, soft_masks(instances, probability, part))
        (expected,) = with_masks([own], alone, probability[part], metainfo)
        assert torch.equal(result.masks, expected.masks)
        assert torch.equal(result.bboxes, expected.bboxes)
        assert torch.equal(result.scores, own.scores) and 'left' not in result


def test_pairs_go_through_the_head_as_memory_allows(monkeypatch):
    seen = []

    class Head:
        gives_offsets = False

        def __call__(self, target, references):
            seen.append(len(references[0]))
            return (target.deep - references[0]).expand(-1, 2, *SIZE)

    deep = torch.arange(3.0).view(3, 1, 1, 1) * 10
    inter = (InterFrameFeatures(deep, (), (), ()),)
    references = [((torch.full((1, 1, 1, 1), float(n)),),) for n in range(5)]
    monkeypatch.setattr(frame_pairs, 'PIXELS_AT_ONCE', 2 * SIZE[0] * SIZE[1])
    frame = [0, 2, 1, 1, 0]
    fields = frame_pairs.fields_of_pairs(Head(), inter, references, SIZE, frame)
    assert seen == [2, 2, 1]
    assert fields[:, 0, 0, 0].tolist() == [0, 19, 8, 7, -4]
