"""After the network a chunk is dealt with at once: launches and reads of a frame.

Counted on a pretended device, for which everything takes the ways of a GPU.
"""

import copy

import pretended_device
import pytest
import torch
import video_models
from host_work import HostWork
from model_factory import clip_sample, moving_frames
from pretended_device import DEVICE, move

CHUNK = 8
# Most launches and reads of a frame, with three to ten instances in it.
LIMITS = {
    'masktrack_rcnn': (27, 1),
    'sg_net': (29, 1),
    'stmask': (58, 1),
    'tfan': (59.2, 1),
    'track_by_segmentation': (38.25, 1),
    'instance_flow': (35, 1),
}


@torch.no_grad()
@pytest.mark.parametrize('name', LIMITS)
def test_a_chunk_at_once(name, monkeypatch):
    net = copy.deepcopy(getattr(video_models, name)())
    net.frames_at_once = len
    frames, work = moving_frames(2 * CHUNK), HostWork(uploads_wait=False)
    extract = net.extract_test_feat

    def network(frames):
        pretended_device.WATCHERS.clear()
        feats = extract(frames)
        pretended_device.WATCHERS.append(work.see)
        return feats

    with monkeypatch.context() as patch:
        work.count_mmcv(patch)
        with pretended_device.pretended_device(patch):
            move(net)
            net.extract_test_feat = network
            for first in (0, CHUNK):
                # The second chunk goes on with what was found in the first.
                work.launches.clear()
                work.waits.clear()
                sample = clip_sample(CHUNK, 1, first, 2 * CHUNK)
                chunk = frames[None, first : first + CHUNK].to(DEVICE)
                net.predict(chunk, [sample])
                pretended_device.WATCHERS.clear()
    found = [len(frame.pred_track_instances) for frame in sample]
    assert min(found) > 2
    launches, reads = work.launches.total() / CHUNK, work.waits.total() / CHUNK
    most_launches, most_reads = LIMITS[name]
    assert launches <= most_launches, work.launches
    assert reads <= most_reads, work.waits


@torch.no_grad()
def test_a_whole_video_at_once(monkeypatch):
    """OfflineTFAN computes the two frames that it samples before, one by one."""
    net = copy.deepcopy(video_models.tfan('OfflineTFAN'))
    net.frames_at_once = len
    sample, work = clip_sample(CHUNK), HostWork(uploads_wait=False)
    extract = net.extract_feat

    def network(frames):
        pretended_device.WATCHERS.clear()
        feats = extract(frames)
        pretended_device.WATCHERS.append(work.see)
        return feats

    with monkeypatch.context() as patch:
        work.count_mmcv(patch)
        with pretended_device.pretended_device(patch):
            move(net)
            net.extract_feat = network
            net.predict(moving_frames(CHUNK)[None].to(DEVICE), [sample])
            pretended_device.WATCHERS.clear()
    assert min(len(frame.pred_track_instances) for frame in sample) > 2
    assert work.launches.total() / CHUNK <= 110, work.launches
    assert work.waits.total() / CHUNK <= 1.5, work.waits
