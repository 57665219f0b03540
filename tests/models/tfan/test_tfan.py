"""TFAN on random weights: the cascade inside, the video loop, references."""

import copy

import pycocotools.mask as mask_util
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from model_factory import FRAMES, assert_same, clip_sample, moving_frames, predict
from tfan_clips import assert_same_detections, detections
from video_models import tfan as model
from video_models import tfan_config, tfan_fc


def test_references_do_something():
    alone = detections(model(num_frames=0), moving_frames(3))[-1]
    with_others = detections(model(), moving_frames(3))[-1]
    assert len(alone) != len(with_others) or not torch.allclose(
        alone.scores, with_others.scores, atol=1e-3
    )


@pytest.mark.parametrize('case', ['nothing', 'sharp', 'fc'])
def test_without_references_it_is_mmdets_cascade(case):
    """So it is with a frame's own proposals under a sharp temperature.

    And among fc features, with all references, until the first step.
    """
    if case == 'sharp':
        net = copy.deepcopy(model())
        net.augmentation.initial_temperature = 1e-5
    else:
        net = tfan_fc() if case == 'fc' else model(augmentation=None)
    cfg = tfan_config()
    theirs = cfg.detector
    theirs.roi_head.type = 'CascadeRoIHead'
    theirs.roi_head.bbox_roi_extractor.type = 'SingleRoIExtractor'
    theirs.roi_head.mask_roi_extractor.type = 'SingleRoIExtractor'
    cascade = MMDET_MODELS.build(theirs).eval()
    cascade.load_state_dict(net.detector.state_dict())
    frames, sample = moving_frames(1), clip_sample(1)
    with torch.no_grad():
        (wanted,) = cascade.predict(frames, [sample[0]], rescale=True)
    wanted = wanted.pred_instances
    (result,) = predict(net, [1], frames=frames)
    assert len(wanted) == len(result.instances_id) > 2
    torch.testing.assert_close(result.bboxes, wanted.bboxes, atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(result.scores, wanted.scores, atol=1e-4, rtol=1e-3)
    assert result.labels.tolist() == wanted.labels.tolist()
    masks = torch.from_numpy(mask_util.decode(result.masks)).permute(2, 0, 1).bool()
    assert (masks != wanted.masks).float().mean() < 1e-4


def test_among_fc_features_it_starts_as_without_augmentation():
    """In a whole video, whatever the weights are but for the output's, which are 0."""
    net, alone = copy.deepcopy(tfan_fc()), copy.deepcopy(model(augmentation=None))
    output = net.augmentation.output
    for parameter in set(net.augmentation.parameters()) - set(output.parameters()):
        torch.nn.init.normal_(parameter, std=0.1)
    prefix = 'augmentation.'
    weights = {k: v for k, v in net.state_dict().items() if not k.startswith(prefix)}
    alone.load_state_dict(weights)
    wanted = predict(alone, [FRAMES])
    assert all(len(result) for result in wanted)
    assert_same(wanted, predict(net, [FRAMES]))
    # Its next weights make a difference.
    torch.nn.init.normal_(output.weight, std=0.1)
    found = [result.scores for result in predict(net, [FRAMES])]
    for result, scores in zip(wanted, found, strict=True):
        assert len(result) != len(scores) or (result.scores - scores).abs().max() > 0.01


def test_references_are_those_of_the_last_frames():
    """With K = 2, frame 4 sees 2 and 3, and nothing of what was before."""
    net, frames = model(), moving_frames(5)
    whole = detections(net, frames)
    assert_same_detections(whole[-1], detections(net, frames[2:])[-1])
    nearer = detections(net, frames[3:])[-1]
    assert len(nearer) != len(whole[-1]) or not torch.allclose(
        nearer.scores, whole[-1].scores, atol=1e-4
    )
    # Neither does the order of the frames in between matter.
    swapped = detections(net, frames[[0, 1, 3, 2, 4]])
    assert_same_detections(whole[-1], swapped[-1])


@pytest.mark.parametrize('type_name', ['TFAN', 'OfflineTFAN'])
def test_a_video_of_one_frame(type_name):
    (result,) = predict(model(type_name), [1], frames=moving_frames(1))
    assert len(result.instances_id) > 2
    assert_same(predict(model(num_frames=0), [1], frames=moving_frames(1)), [result])


@pytest.mark.parametrize('type_name', ['TFAN', 'OfflineTFAN'])
@pytest.mark.parametrize('empty', [(0, 1), (2,), (0, 1, 2, 3)])
def test_frames_without_proposals(type_name, empty, monkeypatch):
    net, frames = model(type_name), moving_frames(4)
    propose = net.propose
    # The mean of a frame tells which one it is.
    gone = [net.extract_feat(frames[t : t + 1])[0].mean().item() for t in empty]

    def sometimes(feats, *args):
        found = propose(feats, *args)
        if any(abs(feats[0].mean().item() - mean) < 1e-7 for mean in gone):
            found = [one[:0] for one in found]
        return found

    monkeypatch.setattr(net, 'propose', sometimes)
    counts = [len(r.instances_id) for r in predict(net, [4], frames=frames)]
    assert all((counts[t] == 0) == (t in empty) for t in range(4))


def test_masks_are_those_of_the_detections_that_the_tracker_kept():
    net, frames = copy.deepcopy(model()), moving_frames(1)
    (everything,) = predict(net, [1], frames=frames)

    def track(dets, *args):
        kept = dets[1::2]
        kept.instances_id = torch.arange(len(kept))
        return kept

    net.tracker.track = track
    (some,) = predict(net, [1], frames=frames)
    assert len(some.masks) >= 2
    assert some.masks == everything.masks[1::2]
    assert torch.equal(some.bboxes, everything.bboxes[1::2])


def test_state_is_bounded():
    net, sizes = model(), []
    state = net.init_state()
    frames = moving_frames(1)
    with torch.no_grad():
        for t in range(5):
            net.predict_clip(frames, clip_sample(1, 1, t, 10**9), state)
            sizes.append(state.references.num_bytes)
    assert len(set(sizes)) == 1
