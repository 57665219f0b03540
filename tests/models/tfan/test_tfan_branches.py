"""Which branch of TFAN, in which stage, sees which frames and proposals.

Where the features that a head is given have a gradient in the feature maps of a frame,
they come from it; RoIAlign has none in the boxes, so that nothing else leads there.
"""

import copy
import importlib

import pycocotools.mask as mask_util
import pytest
import torch
from mmcv.ops import RoIAlign
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.structures.bbox import bbox2roi
from model_factory import (
    COUNTS,
    clip_sample,
    moving_frames,
    training_clip,
    without_gradient,
)
from tfan_clips import three_frames
from video_models import tfan as model

STAGES = [f'{kind}_head_{stage}' for kind in ('bbox', 'mask') for stage in range(3)]


class Spied:
    """A copy of the model that shows what its parts were given.

    Attributes:
        feats (dict): RoI features by the name of the head that got them last.
        levels (list): Feature maps (leaves of the graph) of each extraction.
        augmented (list): Boxes and references of each call of the augmentation.
        proposals (list): What the RPN proposed in each call for given feature maps.
    """

    def __init__(self) -> None:
        self.net = net = copy.deepcopy(model()).eval()
        self.feats, self.levels, self.augmented, self.proposals = {}, [], [], []
        for kind in ('bbox_head', 'mask_head'):
            for stage, head in enumerate(getattr(net.detector.roi_head, kind)):
                self._hook(head, f'{kind}_{stage}')
        embed_head = net.track_head.embed_head
        self._spy(embed_head, 'extract_feat', lambda args, _: self._keep(args, 'embed'))
        self._spy(embed_head, 'loss', lambda args, _: self._keep(args, 'key', 'other'))
        self._spy(
            net.augmentation, 'forward', lambda args, _: self.augmented.append(args[1:])
        )
        self._spy(net, 'propose', lambda _, found: self.proposals.append(found))
        extract = net.extract_feat

        def leaves(frames):
            levels = [level.detach().requires_grad_() for level in extract(frames)]
            self.levels.append(levels)
            return tuple(levels)

        net.extract_feat = leaves

    def _hook(self, head, name):
        head.register_forward_pre_hook(lambda _, args: self._keep(args, name))

    def _keep(self, args, *names):
        self.feats.update(zip(names, args, strict=False))

    @staticmethod
    def _spy(owner, name, keep):
        method = getattr(owner, name)

        def call(*args):
            result = method(*args)
            keep(args, result)
            return result

        setattr(owner, name, call)

    def frames_seen(self) -> dict[str, list[bool]]:
        """Whether there is something of each frame in each head's features."""
        levels = [level for levels in self.levels for level in levels]
        found = {}
        for name, feats in self.feats.items():
            gradients = torch.autograd.grad(
                feats.sum(), levels, retain_graph=True, allow_unused=True
            )
            used = torch.stack(
                [
                    torch.zeros(len(level), dtype=torch.bool)
                    if gradient is None
                    else gradient.flatten(1).abs().sum(1) > 0
                    for level, gradient in zip(levels, gradients, strict=True)
                ]
            )
            # A row a frame or, in training, a batch of frames.
            used = used.view(len(self.levels), -1, used.shape[1]).any(1)
            found[name] = used.flatten().tolist()
        return found


def test_every_branch_and_stage_sees_the_frames_before():
    spied = Spied()
    spied.net.predict_clip(moving_frames(2), clip_sample(2), spied.net.init_state())
    assert spied.frames_seen() == {name: [True] * 2 for name in [*STAGES, 'embed']}


def test_references_are_the_best_proposals_and_count_once():
    """In the first stage, RoIs that are references are found among them."""
    spied = Spied()
    net = spied.net
    net.num_references = 40
    with torch.no_grad():
        net.predict_clip(moving_frames(2), clip_sample(2), net.init_state())
    # Three stages of boxes, the embedding, masks; 32 proposals of each frame.
    for frame, valid in ((0, 32), (1, 40)):
        calls = spied.augmented[5 * frame : 5 * frame + 5]
        for _, references in calls:
            assert len(references.valid) == 40
            assert references.valid.sum() == valid
        bboxes, references = calls[0]
        own = ~references.bboxes.isnan().any(1) & references.valid
        (proposals,) = spied.proposals[frame]
        assert len(proposals) == len(bboxes) > 32
        best = proposals.bboxes[: int(own.sum())]
        assert own.any()
        # As sets of boxes; the memory is in no order.
        for one, other in ((best, references.bboxes[own]), (best, bboxes)):
            assert (one[:, None] == other[None]).all(2).any(1).all()


@pytest.mark.parametrize('num_references', [9, 64])
def test_every_branch_and_stage_learns_from_all_frames(num_references):
    """The annotated boxes of the reference frame are augmented as well."""
    spied = Spied()
    net = spied.net
    net.num_references = num_references
    net.loss(*three_frames())
    found = spied.frames_seen()
    del found['embed']
    if num_references == 64:
        assert found == {name: [True] * 3 for name in [*STAGES, 'key', 'other']}
    for _, references in spied.augmented:
        assert {len(feats) for feats in references.feats.values()} == {num_references}
        assert sorted(references.feats) == [7, 14]
    bboxes, references = spied.augmented[0]
    assert (bboxes[:, None] == references.bboxes[None]).all(2).any()
    # The embeddings are those of the features, and f_e learns from them.
    wanted = net.augmentation.embeddings(references.feats[7])
    torch.testing.assert_close(references.embeddings, wanted)
    (gradient,) = torch.autograd.grad(
        references.embeddings.square().sum(), net.augmentation.embed.weight
    )
    assert gradient.abs().sum() > 0


def test_annotated_boxes_are_those_of_the_first_reference_frame():
    """A sharp temperature shows whose they are. None is a proposal of the key frame."""
    spied = Spied()
    net = spied.net
    net.augmentation.initial_temperature = 1e-6
    inputs, samples = three_frames()
    net.loss(inputs, samples)
    extractor = net.track_head.roi_extractor
    (levels,) = spied.levels
    annotated = samples[0][samples[0].ref_frames_inds[0]].gt_instances.bboxes
    plain = SingleRoIExtractor.forward(
        extractor,
        [level[1:2] for level in levels[: extractor.num_inputs]],
        bbox2roi([annotated]),
    )
    torch.testing.assert_close(spied.feats['other'], plain, atol=1e-4, rtol=1e-4)
    (references,) = [
        references
        for bboxes, references in spied.augmented
        if bboxes is not None and torch.equal(bboxes, annotated)
    ]
    assert references.bboxes.isnan().all()


def test_masks_that_are_matched_are_those_of_the_result():
    """A mask in the tracker's grid has a fourth of the input's resolution."""
    net, seen = copy.deepcopy(model()), []

    def track(dets, *args):
        seen.extend([dets.labels, dets.masks])
        dets.instances_id = torch.arange(len(dets))
        return dets

    net.tracker.track = track
    with torch.no_grad():
        # One class has empty masks.
        for head in net.detector.roi_head.mask_head:
            head.conv_logits.bias[0] = -1e3
        (result,) = net.predict_clip(moving_frames(1), clip_sample(1), net.init_state())
    # The original frame is twice as large as the input: 8 pixels a cell.
    masks = torch.from_numpy(mask_util.decode(result.masks)).permute(2, 0, 1).bool()
    labels, matched = seen[0], seen[1] > 0.5
    assert 0 < (labels == 0).sum() < len(labels)
    assert torch.equal(matched.any(2).any(1), labels != 0)
    # Empty ones are not reported.
    assert result.instances_id.tolist() == (labels != 0).nonzero().squeeze(1).tolist()
    at_centres, matched = masks[:, 4::8, 4::8], matched[labels != 0]
    assert at_centres.shape == matched.shape == (len(result.labels), 24, 40)
    common, union = (at_centres & matched).sum(), (at_centres | matched).sum()
    assert union > 100
    assert common > 0.8 * union


@pytest.mark.parametrize('case', ['common', 'empty'])
def test_mixed_precision(case, monkeypatch):
    """With mmcv's operators as on a GPU: those of a CPU know float32 alone."""
    nms_file = importlib.import_module('mmcv.ops.nms')
    nms, align = nms_file.nms, RoIAlign.forward

    def any_nms(boxes, scores, *args, **kwargs):
        return nms(boxes.float(), scores.float(), *args, **kwargs)

    def any_align(self, feats, rois):
        return align(self, feats.float(), rois.float()).to(feats.dtype)

    monkeypatch.setattr(nms_file, 'nms', any_nms)
    monkeypatch.setattr(RoIAlign, 'forward', any_align)
    net = copy.deepcopy(model()).train()
    with torch.autocast('cpu', torch.bfloat16):
        losses = net.loss(*training_clip(*COUNTS[case]))
    assert without_gradient(net, losses) == []
    net.eval()
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        (result,) = net.predict_clip(moving_frames(1), clip_sample(1), net.init_state())
    assert result.scores.isfinite().all()
