"""Looks that are queries: those of the instances, and of the video model's weights."""

from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.models import MaskFormerFusionHead
from model_configs import build, load, parsed
from model_factory import CONFIGS, clip_sample, moving_frames, predict
from segmentors import FAMILIES, track_by

from mmvis.models.track_by_segmentation.query_looks import (
    queries_of_instances,
    with_queries,
)
from mmvis.models.track_by_segmentation.track_by_segmentation import SegmentorFeatures

MMDET = Path(mmdet.__file__).parent / '.mim/configs'


@pytest.fixture(scope='module')
def net():
    return track_by(FAMILIES['mask2former'], appearance='query', score_thr=0.0)


@pytest.mark.parametrize('most', [7, 60])
def test_an_instance_has_the_mask_of_its_query(most):
    head = MaskFormerFusionHead(
        num_things_classes=4, num_stuff_classes=2, test_cfg=dict(max_per_image=most)
    )
    generator = torch.Generator().manual_seed(most)
    logits = torch.randn(20, 7, generator=generator)
    # No two queries have one mask.
    masks = torch.randn(20, 9, 11, generator=generator)
    found = head.instance_postprocess(logits, masks)
    queries = queries_of_instances(head, logits)
    assert 0 < len(queries) < most
    assert torch.equal(found.masks, masks[queries] > 0)


@torch.no_grad()
def test_an_instance_is_classified_as_its_query_is(net):
    feats = net.extract_test_feat(moving_frames(1))
    parts = dict(net.detector._modules)
    found, _ = net.segment(feats, [clip_sample(1)[0].metainfo])
    classify = net.detector.panoptic_head.cls_embed
    shares = classify(found.queries).softmax(-1)[torch.arange(len(found)), found.labels]
    # The rest of a score is the mean of its mask above one half.
    quality = found.scores / shares
    assert len(found) == 20
    assert (quality > 0.5).all() and (quality <= 1).all()
    assert net.detector._modules == parts


@torch.no_grad()
def test_queries_are_of_their_own_frame(net):
    feats = net.extract_test_feat(moving_frames(8)[::4])
    metainfos = [frame.metainfo for frame in clip_sample(2)]
    found, counts = net.segment(feats, metainfos)
    for t, (own, metainfo) in enumerate(
        zip(found.queries.split(counts), metainfos, strict=True)
    ):
        one = SegmentorFeatures(
            feats.frames[t : t + 1], tuple(level[t : t + 1] for level in feats.levels)
        )
        alone, _ = net.segment(one, [metainfo])
        torch.testing.assert_close(own, alone.queries, atol=1e-4, rtol=1e-4)
    first, second = found.queries.split(counts)
    assert not torch.allclose(first, second, atol=1e-3)


@torch.no_grad()
def test_the_tracker_compares_the_queries(net, monkeypatch):
    seen = []
    track = net.tracker.track

    def watched(dets, memory, frame_id):
        seen.append(dets.embeddings)
        return track(dets, memory, frame_id)

    monkeypatch.setattr(net.tracker, 'track', watched)
    results = predict(net, [2, 1])
    assert [len(r.instances_id) > 0 for r in results] == [True] * 3
    for looks in seen:
        assert looks.shape[1] == 256
        torch.testing.assert_close(looks.norm(dim=1), torch.ones(len(looks)))


def test_a_view_keeps_nothing_of_another_frame(net):
    with torch.no_grad():
        levels = net.extract_feat(moving_frames(2))
        views = [with_queries(net.detector) for _ in range(2)]
        for view, frame in zip(views, (0, 1), strict=True):
            view.panoptic_head(
                [level[frame : frame + 1] for level in levels], clip_sample(1)[:1]
            )
    one, two = (view.panoptic_head.cls_embed.last for view in views)
    assert not torch.equal(one, two)


@pytest.mark.parametrize(
    ('family', 'appearance', 'words'),
    [
        ('solov2', 'query', "SOLOv2 has no queries for appearance='query'"),
        ('mask2former', 'looks', "must be 'pooled' or 'query', not 'looks'"),
    ],
)
def test_what_cannot_be_looked_at(family, appearance, words):
    with pytest.raises(ValueError, match=words):
        track_by(FAMILIES[family], appearance=appearance)


def test_the_weights_of_the_video_model_fit():
    folder = CONFIGS / 'track_by_segmentation'
    config = parsed(folder / 'track_by_mask2former_r50_ytvis2021_queries.py')
    theirs = load(MMDET / 'mask2former_vis/mask2former_r50_8xb2-8e_youtubevis2021.py')
    theirs.model.backbone.init_cfg = theirs.model.init_cfg = None
    with torch.device('meta'):
        ours, video = build(config.model), build(theirs.model)
        state = video.state_dict()
        fit = ours.load_state_dict(state, strict=False, assign=True)
    assert len(state) == 610
    # Constants of the data preprocessor are no weights.
    assert not [key for key in fit.missing_keys if 'preprocessor' not in key]
    assert not fit.unexpected_keys
