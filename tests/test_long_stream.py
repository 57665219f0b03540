"""A stream of any length runs in constant memory."""

import resource

import pytest
import torch
from model_factory import clip_sample, moving_frames, tiny_model

FRAMES, WARM_UP = 1000, 200


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.full
@torch.no_grad()
def test_memory_and_tracks_do_not_grow():
    net = tiny_model()
    net.detector.roi_head.test_cfg.max_per_img = 8
    state, sizes = net.init_state(), []
    for t in range(FRAMES):
        scene, t_scene = divmod(t, 20)
        frame = moving_frames(20, seed=scene)[t_scene : t_scene + 1]
        sample = clip_sample(1, 'stream', t, 10**9)
        net.predict_clip(frame, sample, state)
        sizes.append(len(state))
        if t == WARM_UP:
            before = peak_kilobytes()
    # Tracks that come and go are counted in tests/models/trackers.
    assert max(sizes) <= max(sizes[:WARM_UP]) * 1.5
    assert peak_kilobytes() - before < 50 * 1024
