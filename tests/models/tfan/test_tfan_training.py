"""TFAN's losses: which frames they are of, and that clips are apart."""

import copy

import pytest
import torch
from tfan_clips import three_frames
from video_models import tfan as model
from video_models import tfan_fc

from mmvis.models.tfan import tfan


def logged(net, inputs, samples):
    torch.manual_seed(0)
    return net.parse_losses(net.loss(inputs, samples))[1]


def test_losses_depend_on_all_frames_of_the_clip():
    net = copy.deepcopy(model()).eval()
    inputs, samples = three_frames()
    inputs.requires_grad_()
    losses = net.loss(inputs, samples)
    losses['s0.loss_cls'].backward()
    assert (inputs.grad.abs().sum((0, 2, 3, 4)) > 0).all()


def test_objects_are_matched_with_those_of_the_first_reference_frame():
    net = copy.deepcopy(model(augmentation=None)).eval()
    inputs, samples = three_frames()
    inputs.requires_grad_()
    net.loss(inputs, samples)['loss_match'].backward()
    used = inputs.grad.abs().sum((0, 2, 3, 4)) > 0
    assert used.tolist() == [True, True, False]


def test_clips_of_a_batch_do_not_see_each_other(monkeypatch):
    """Each has the reference set that it has alone."""
    net = copy.deepcopy(model()).eval()
    clips = [three_frames(), three_frames(seed=7)]
    references = []
    made = tfan.references_of_clips

    def spy(*args):
        references.append(made(*args))
        return references[-1]

    monkeypatch.setattr(tfan, 'references_of_clips', spy)
    for inputs, samples in clips:
        logged(net, inputs, samples)
    logged(net, torch.cat([c[0] for c in clips]), [c[1][0] for c in clips])
    alone, together = [references[0][0], references[1][0]], references[2]
    for one, other in zip(alone, together, strict=True):
        of_key = ~one.bboxes.isnan().any(1)
        assert of_key.any() and not of_key.all()
        order = [r.embeddings[:, 0].argsort() for r in (one, other)]
        for name in ('embeddings', 'bboxes'):
            torch.testing.assert_close(
                getattr(one, name)[order[0]],
                getattr(other, name)[order[1]],
                equal_nan=True,
                atol=1e-4,
                rtol=1e-4,
            )


def test_the_order_of_frames_changes_nothing():
    net = copy.deepcopy(model()).eval()
    results = []
    for order in ([0, 1, 2], [1, 0, 2]):
        inputs, samples = three_frames()
        samples[0].video_data_samples = [samples[0][i] for i in order]
        places = [order.index(i) for i in range(3)]
        samples[0].set_metainfo(
            dict(key_frames_inds=places[1:2], ref_frames_inds=places[::2])
        )
        results.append(logged(net, inputs[:, order], samples))
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        torch.testing.assert_close(value, results[1][name], atol=1e-4, rtol=1e-3)


def test_the_rpn_learns_on_key_frames_only_and_without_classes():
    net = copy.deepcopy(model()).eval()
    names = ('loss_rpn_cls', 'loss_rpn_bbox')
    inputs, samples = three_frames()
    before = logged(net, inputs, samples)
    samples[0][1].gt_instances.labels = (samples[0][1].gt_instances.labels + 5) % 8
    for t in (0, 2):
        samples[0][t].gt_instances = samples[0][t].gt_instances[:0]
    after = logged(net, inputs, samples)
    for name in names:
        torch.testing.assert_close(before[name], after[name])
        assert before[name] > 0


def test_clips_of_one_frame_are_refused():
    inputs, samples = three_frames()
    with pytest.raises(ValueError, match='num_ref_imgs'):
        model().loss(inputs[:, :1], samples)


@pytest.mark.parametrize('make', [model, tfan_fc])
def test_weights_are_logged(make):
    """Of RoIs' own features, of the key frame's references and of the others'."""
    log = logged(copy.deepcopy(make()).train(), *three_frames())
    weights = [float(log[f'weight_{of}']) for of in ('own', 'key', 'other')]
    assert min(weights) > 0
    assert sum(weights) == pytest.approx(1)
