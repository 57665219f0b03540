"""STMask's tracks without torch are those with it; the networks are the same here."""

import pytest
import torch
import video_models
from exported_models import pipeline, same_tracks, sessions
from inferencers import images

STEPS = pipeline((160, 96))


@pytest.mark.parametrize(
    'nms',
    [
        dict(type='nms', iou_threshold=0.5),
        dict(type='fast_nms', iou_threshold=0.5, top_k=100),
        dict(type='fast_nms_per_class', iou_threshold=0.5, top_k=50),
    ],
)
def test_the_same_tracks(nms, monkeypatch):
    model = video_models.stmask()
    monkeypatch.setitem(model.bbox_head.test_cfg, 'nms', nms)
    if nms['type'] == 'fast_nms_per_class':  # probability times centerness
        monkeypatch.setitem(model.bbox_head.test_cfg, 'score_thr', 0.02)
    one, other = sessions(model, STEPS)
    frames = images(6)
    assert same_tracks(one.steps(frames), other.steps(frames), 1e-3) > 10
    # Another video, with a gap, of a size that leaves padding.
    frames = images(5, (89, 131), seed=1)
    for session in (one, other):
        session.reset()
    tracks = []
    for session in (one, other):
        found = session.steps(frames[:2])
        session.skip(2)
        tracks.append(found + session.steps(frames[2:]))
    assert same_tracks(*tracks, 1e-3) > 5
    assert tracks[1][-1].frame_id == 6


def test_a_fixed_size_that_fits_is_the_configs():
    one, other = sessions(video_models.stmask(), STEPS, size=(96, 160))
    frames = images(3)
    assert same_tracks(one.steps(frames), other.steps(frames), 1e-3)


CALIBRATIONS = {
    'of the release': dict(
        type='CalibratedFeatureConvolution',
        offset=dict(type='AdaptiveOffset'),
        branches=('cls', 'coeff'),
    ),
    'with embeddings': dict(
        type='CalibratedConvolution',
        offset=dict(type='AlignedOffset'),
        branches=('cls', 'coeff', 'embed'),
    ),
    'none': None,
}


@pytest.mark.parametrize('name', CALIBRATIONS)
def test_coefficients_of_detections_alone(name, monkeypatch):
    model = video_models.stmask.__wrapped__(calibration=CALIBRATIONS[name])
    monkeypatch.setitem(model.bbox_head.test_cfg, 'score_thr', 0.0)
    one, other = sessions(model, STEPS)
    # A branch that cannot be evaluated place by place comes for every anchor.
    assert (other._runner._kept is None) == (name == 'of the release')
    frames = images(4)
    expected = one.steps(frames)
    assert same_tracks(expected, other.steps(frames), 1e-3) > 5
    # As in files of format 1.
    monkeypatch.setattr(type(model.bbox_head), 'can_postpone', False)
    _, whole = sessions(model, STEPS)
    assert whole._runner._kept is None
    assert same_tracks(expected, whole.steps(frames), 1e-3) > 5


def test_nothing_found_is_no_trouble():
    _, other = sessions(video_models.stmask(), STEPS)
    other._runner._head = dict(other._runner._head, score_thr=1.0)
    assert not any(map(len, other.steps(images(2))))


def test_a_session_refuses_what_the_other_does():
    _, other = sessions(video_models.stmask(), STEPS)
    other.step(images(1)[0])
    with pytest.raises(ValueError, match='50 x 40 px'):
        other.step(images(1, (40, 50))[0])
    with pytest.raises(ValueError, match='float32'):
        other.step(torch.zeros(96, 160, 3).numpy())
    assert other.num_frames == 1
