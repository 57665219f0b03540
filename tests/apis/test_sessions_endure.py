"""Sessions by the hundred, and in threads: each is alone, and nothing stays behind."""

import copy
import gc
import os
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import video_models
from inferencers import images, make_inferencer, write_video
from mmengine.structures import InstanceData
from model_factory import clip_sample

from mmvis.apis.video_session import VideoSession

MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'tfan': video_models.tfan,
    'instance_flow': video_models.instance_flow,
}
SLOW = pytest.mark.full


def prepare(frames, first, video_id):
    """Images as a model's input, without a pipeline."""
    stacked = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    size = tuple(stacked.shape[-2:])
    sample = clip_sample(len(frames), video_id, first, ori_shape=size, img_shape=size)
    return (stacked.float() - 128) / 40, sample


def told(results) -> list:
    """All that results say."""
    return [
        (
            *(r.ids.tolist(), r.labels.tolist(), r.scores.tolist(), r.bboxes.tolist()),
            [rle['counts'] for rle in r.rles],
        )
        for r in results
    ]


@pytest.mark.parametrize(
    'name',
    [name if name == 'stmask' else pytest.param(name, marks=SLOW) for name in MODELS],
)
def test_eight_threads_with_a_session_each_are_eight_runs(name):
    model = MODELS[name]()
    videos = [images(3, seed=seed) for seed in range(8)]

    def run(video) -> list:
        session = VideoSession(model, prepare)
        return told(session.step(image) for image in video)

    alone = [run(video) for video in videos]
    assert len({str(one) for one in alone}) > 1
    together: dict[int, list] = {}
    gate = threading.Barrier(len(videos))

    def work(number: int) -> None:
        gate.wait()
        together[number] = run(videos[number])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # so that they change places in the middle of a step
    try:
        threads = [
            threading.Thread(target=work, args=(number,), daemon=True)
            for number in range(len(videos))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    finally:
        sys.setswitchinterval(interval)
    assert [together.get(number) for number in range(len(videos))] == alone


def open_files() -> int:
    return len(os.listdir('/proc/self/fd'))


def resident_mib() -> float:
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def nothing(frames, sample, state) -> list[InstanceData]:
    """What a network that sees nothing says."""
    none = InstanceData(
        bboxes=torch.zeros(0, 4),
        scores=torch.zeros(0),
        labels=torch.zeros(0, dtype=torch.long),
        instances_id=torch.zeros(0, dtype=torch.long),
        masks=[],
    )
    return [copy.copy(none) for _ in frames]


@pytest.mark.skipif(not Path('/proc/self/fd').exists(), reason='reads /proc of Linux')
def test_two_hundred_streams_that_are_left_leave_nothing(tmp_path, monkeypatch):
    """A video file is open and a thread reads ahead when its stream is dropped."""
    inferencer = make_inferencer()
    monkeypatch.setattr(inferencer.model, 'predict_clip', nothing)
    path = write_video(tmp_path / 'video.mp4', images(12, (48, 64)))

    def look(times: int) -> None:
        for _ in range(times):
            stream = inferencer.stream(path, read_ahead=2)
            next(stream)
            del stream

    look(5)
    files, threads = open_files(), threading.active_count()
    before = resident_mib()
    look(200)
    assert open_files() == files
    assert threading.active_count() == threads
    assert resident_mib() - before < 20


def test_a_session_goes_with_its_last_name():
    """At once, by its count of references: no ring of them waits for the collector."""
    model = MODELS['stmask']()
    gc.collect()
    gc.disable()
    try:
        session = VideoSession(model, prepare)
        session.steps(images(2))
        left = [weakref.ref(session), weakref.ref(session._state)]
        left.append(weakref.ref(session._state.memory['masks']))
        assert all(ref() is not None for ref in left)
        del session
        assert all(ref() is None for ref in left)
    finally:
        gc.enable()


@SLOW
@pytest.mark.parametrize('name', MODELS)
def test_two_hundred_sessions_take_no_memory(name):
    model = MODELS[name]()
    frame = images(1)[0]

    def use(times: int) -> None:
        for _ in range(times):
            VideoSession(model, prepare).step(frame)

    use(20)
    before = resident_mib()
    use(200)
    assert resident_mib() - before < 20
