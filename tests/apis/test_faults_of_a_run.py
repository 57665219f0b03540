"""A frame that is too much for the memory, or a full disk, takes nothing else along."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from inferencers import images, make_inferencer, same_results
from processes import run_bounded
from video_reader import read_video

from mmvis.apis import VISInferencer, open_source
from mmvis.apis.errors import OutOfMemoryError
from mmvis.apis.outputs import VideoOutputs
from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks
from mmvis.visualization import video_encoders

FRAMES, BAD = 6, 3


@pytest.fixture(scope='module')
def inferencer() -> VISInferencer:
    return make_inferencer()


def run_out(monkeypatch, inferencer, error) -> None:
    """Memory is used up in a frame, when its tracks are updated already."""
    model = inferencer.model

    def fail(feats, metainfo, state):
        dets = type(model).predict_frame(model, feats, metainfo, state)
        if metainfo['frame_id'] == BAD:
            raise error
        return dets

    monkeypatch.setattr(model, 'predict_frame', fail)


def test_the_tracks_go_on_behind_a_frame_that_is_too_much(
    inferencer, tmp_path, monkeypatch
):
    session = inferencer.session()
    wanted = session.steps(images(FRAMES)[:BAD])
    session.skip()
    wanted += session.steps(images(FRAMES)[BAD + 1 :])
    errors = {
        1: torch.OutOfMemoryError('CUDA out of memory.'),
        4: RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    }
    for chunk, error in errors.items():
        run_out(monkeypatch, inferencer, error)
        out = tmp_path / str(chunk)
        video = inferencer(images(FRAMES), out, chunk=chunk, on_error='skip')
        same_results(video.frames, wanted)
        for one, other in zip(video.frames, wanted, strict=True):
            assert [m['counts'] for m in one.rles] == [m['counts'] for m in other.rles]
        assert list(video.damaged) == [BAD]
        words = rf'Memory was used up in frame {BAD}, which had \d+ detections at hand'
        assert re.match(words, video.damaged[BAD])
        assert len(read_video(video.files['mp4'])[0]) == FRAMES
        for track in video.to_youtube_vis():
            assert track['segmentations'][BAD] is None
    with pytest.raises(OutOfMemoryError, match=f'frame {BAD}'):
        inferencer(images(FRAMES), tmp_path / 'stopped', chunk=1)
    assert len(read_video(tmp_path / 'stopped/video.mp4')[0]) == BAD


def test_a_chunk_that_is_too_much_goes_frame_by_frame(inferencer, monkeypatch):
    wanted = inferencer(images(FRAMES), chunk=1).frames
    predict_clip = inferencer.model.predict_clip

    def fail(frames, sample, state):
        if len(frames) > 1:
            raise MemoryError
        return predict_clip(frames, sample, state)

    monkeypatch.setattr(inferencer.model, 'predict_clip', fail)
    video = inferencer(images(FRAMES), chunk=4, on_error='skip')
    same_results(video.frames, wanted)
    assert not video.damaged
    with pytest.raises(OutOfMemoryError, match='frames 0 to 3'):
        inferencer(images(FRAMES), chunk=4)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB, where this user may have one."""
    place = tmp_path / 'disk'
    place.mkdir()
    options = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]
    try:
        mounted = run_bounded(['mount', *options]).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip('needs the right to mount')
    try:
        yield place
    finally:
        run_bounded(['umount', '-l', place])


def noise(number: int) -> tuple[np.ndarray, FrameResult]:
    """A frame that no codec makes small, and an instance in it."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)
    mask = rng.random((1, 240, 320)) < 0.5
    mask[:, 200:] = mask[:, :, 40:] = False
    result = FrameResult(
        frame_id=number,
        size=(240, 320),
        bboxes=[[0, 0, 40, 200]],
        scores=[0.9],
        labels=[0],
        ids=[3],
        rles=encode_masks(mask),
    )
    return image, result


def write(place: Path, kinds: tuple, inferencer: VISInferencer, frames: int = 30):
    video = inferencer.new_result(open_source([noise(0)[0]]))
    outputs = VideoOutputs(place, kinds, video, 10)
    try:
        for number in range(frames):
            image, result = noise(number)
            video.add(result)
            outputs.write(image, result)
    finally:
        outputs.close()
    return video


@pytest.mark.parametrize('codec', ['h264', 'mp4v'])
def test_a_disk_that_is_full_of_an_mp4(small_disk, inferencer, monkeypatch, codec):
    if codec == 'mp4v':
        monkeypatch.setattr(video_encoders, 'find_spec', lambda name: None)
    else:
        pytest.importorskip('av')
    words = r'video\.mp4 cannot be written: No space left on device\.$'
    with pytest.raises(OSError, match=words):
        write(small_disk, ('mp4', 'json', 'csv'), inferencer)
    # What takes the place is gone; the others have all frames.
    assert not (small_disk / 'video.mp4').exists()
    (track,) = json.loads((small_disk / 'video.json').read_text())
    assert len(track['segmentations']) == 30
    assert len((small_disk / 'video.csv').read_text().splitlines()) == 31


def test_a_disk_that_is_full_of_masks(small_disk, inferencer):
    (small_disk / 'filler').write_bytes(b'x' * (1000 << 10))
    words = r'\d+\.png cannot be written: No space left on device\.$'
    with pytest.raises(OSError, match=words):
        write(small_disk, ('masks',), inferencer)
    left = [path.name for path in (small_disk / 'video_masks').rglob('*.*')]
    assert left and all(name.endswith('.png') for name in left)
    for path in (small_disk / 'video_masks').rglob('*.png'):
        assert path.read_bytes().endswith(b'IEND\xaeB`\x82')
