"""The references of frames that come together are those of frames one by one."""

from unittest import mock

import pytest
import torch
from mmengine.structures import InstanceData
from model_factory import assert_same, moving_frames, predict
from reference_sets import CHANNELS, SIDE, boxes, features, module
from video_models import tfan

from mmvis.models.tfan import chunk_detection
from mmvis.models.tfan.augmented_roi_extractor import AugmentedFeatures
from mmvis.models.tfan.chunk_references import (
    best_in_slots,
    references_of_frames,
    slots_before,
)
from mmvis.models.tfan.fc_feature_augmentation import FCFeatureAugmentation
from mmvis.models.tfan.reference_proposals import ReferenceMemory

SIZE = 4  # of a slot
# Proposals of each frame; of the fifth more than a slot holds.
COUNTS = [4, 0, 2, 3, 6, 1, 0, 4, 2, 3]


def proposals(t):
    generator = torch.Generator().manual_seed(t)
    scores = torch.rand(COUNTS[t], generator=generator, dtype=torch.float64)
    scores = scores.sort(descending=True).values
    return InstanceData(bboxes=boxes(COUNTS[t], seed=t), scores=scores)


def row_fields(bboxes, made):
    """Features that follow from the box, so that a row shows what it is of."""
    count = len(bboxes)
    feats = features(1) * bboxes.sum(1).sin().view(count, 1, 1, 1)
    return dict(embeddings=made.embeddings(feats), feats={SIDE: feats})


def one_by_one(memory, made, start, stop, num_references, min_score):
    """The reference set of each frame."""
    found = []
    for t in range(start, stop):
        best, slot = proposals(t)[:SIZE], memory.oldest
        fields = row_fields(best.bboxes, made)
        memory.write(slot, scores=best.scores, bboxes=best.bboxes, **fields)
        found.append(memory.select(num_references, slot, min_score))
    return found


def at_once(memory, made, start, stop, num_references, min_score):
    """One set for all of them."""
    joined = InstanceData.cat([proposals(t) for t in range(start, stop)])
    frame = torch.arange(stop - start).repeat_interleave(
        torch.tensor(COUNTS[start:stop])
    )
    rois = torch.cat([frame[:, None], joined.bboxes], dim=1)
    rois, scores = best_in_slots(rois, joined.scores, COUNTS[start:stop], SIZE)
    assert len(rois) == len(scores) == SIZE * (stop - start)
    fields = row_fields(rois[:, 1:], made)
    new = dict(scores=scores, bboxes=rois[:, 1:], embeddings=fields['embeddings'])
    table = memory.write_frames(new | fields['feats'])
    slots = slots_before(stop - start, memory.num_slots - 1)
    return references_of_frames(table, *slots, SIZE, num_references, min_score)


def rows_of(references):
    """Places of those that count, and whether they are of the frame; sorted."""
    of_key = ~references.bboxes.isnan().any(-1)
    embedded = references.embeddings[:, 0]
    fields = [
        *references.places.T,
        of_key,
        embedded,
        references.feats[SIDE][:, 0, 0, 0],
    ]
    return sorted(torch.stack(fields, 1)[references.valid].tolist())


@pytest.mark.parametrize('num_slots', [1, 3, 5])
@pytest.mark.parametrize('chunks', [[10], [1, 4, 2, 3], [2, 2, 6]])
@pytest.mark.parametrize(('num_references', 'min_score'), [(5, 0.0), (50, 0.3)])
def test_chunks_and_frames_see_the_same(num_slots, chunks, num_references, min_score):
    made, wanted, found = module(), [], []
    alone, together = (ReferenceMemory(num_slots, SIZE) for _ in range(2))
    start = 0
    for size in chunks:
        span = start, start + size, num_references, min_score
        wanted += one_by_one(alone, made, *span)
        if size == 1:
            found += one_by_one(together, made, *span)
        else:
            found += at_once(together, made, *span).of_each_frame()
        start += size
    for one, other in zip(wanted, found, strict=True):
        # Matrix products of another number of rows may differ by their last bits.
        torch.testing.assert_close(rows_of(one), rows_of(other), atol=1e-9, rtol=1e-9)
    assert max(len(rows_of(one)) for one in wanted) > 3
    assert together.num_bytes == alone.num_bytes


@pytest.mark.parametrize('members', ['all', 'own', 'key', 'others'])
@pytest.mark.parametrize('kind', ['sum', 'residual', 'fc', 'geometry'])
def test_features_are_augmented_alike(kind, members):
    """Of RoIs of several frames, among them references of their frame and another's."""
    if kind in ('fc', 'geometry'):
        torch.manual_seed(0)
        made = FCFeatureAugmentation(
            CHANNELS, SIDE, 8, 2, geometry=kind == 'geometry', members=members
        ).double()
        torch.nn.init.normal_(made.output.weight)
        if made.geometry is not None:
            torch.nn.init.normal_(made.geometry.float().weight)
    else:
        made = module(members=members, residual=kind == 'residual')
    span = 2, 6, 5, 0.1
    sets = one_by_one(ReferenceMemory(3, SIZE), made, *span)
    shared = made.prepared(at_once(ReferenceMemory(3, SIZE), made, *span))
    own = proposals(3).bboxes[:2]
    places = [own[:1], torch.cat([own, boxes(2, 77)]), own[:0], torch.cat([own, own])]
    frames = torch.arange(4).repeat_interleave(torch.tensor([1, 4, 0, 4]))
    rois = torch.cat([frames[:, None], torch.cat(places)], dim=1)
    feats = features(len(rois), seed=5)
    with torch.no_grad():
        wanted = AugmentedFeatures([feats], made, sets).augment(feats, rois)
        seen = shared.of_rois(rois[:, 0].long())
        found = AugmentedFeatures([feats], made, seen).augment(feats, rois)
    torch.testing.assert_close(found, wanted)
    if members != 'own':
        assert (wanted[5] - wanted[1]).abs().max() > 1e-3


def test_weights_do_not_grow_with_the_square_of_the_frames(monkeypatch):
    """Ten frames in parts of three at most: results are those of one by one."""
    net, frames = tfan(), moving_frames(10)
    one_by_one = predict(net, [10], frames=frames)
    rows, weights = [], type(net.augmentation).weights

    def spy(self, embeddings, bboxes, references):
        rows.append((len(bboxes), len(references.embeddings)))
        return weights(self, embeddings, bboxes, references)

    monkeypatch.setattr(type(net.augmentation), 'weights', spy)
    monkeypatch.setattr(chunk_detection, 'FRAMES_AT_ONCE', 3)
    with mock.patch.object(net, 'frames_at_once', len):
        assert_same(one_by_one, predict(net, [10], video_id=2, frames=frames))
    slot = net.test_cfg.frame_proposals
    # Those of two or three frames, and of the two that are remembered.
    assert {count for _, count in rows} == {4 * slot, 5 * slot}
    assert [len(range(10)[part]) for part in chunk_detection.parts_of(10)] == [
        2,
        3,
        2,
        3,
    ]
