"""A video of any length runs in constant memory, from its frames to its files."""

import sys

import cv2
import numpy as np
import pytest
from held_memory import HeldMemory
from inferencers import make_inferencer

from mmvis.apis import MaskInferencer, open_source
from mmvis.apis.detections import Detections, Found
from mmvis.apis.writers.page import VideoPage
from mmvis.evaluation import check_submission
from mmvis.structures.rle import encode_masks

FRAMES, SIZE, WARM_UP = 2000, (640, 360), 480
# Bytes a frame that Python and NumPy hold.
MOST_HELD = 256
# Bytes that all else may grow by, encoders for example: a dozen frames.
MOST_ANONYMOUS = 8 << 20

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc of Linux'),
]


def test_memory_does_not_grow(tmp_path, monkeypatch):
    inferencer = make_inferencer()
    inferencer.model.detector.roi_head.test_cfg.max_per_img = 8
    memory = HeldMemory(monkeypatch, FRAMES, SIZE, WARM_UP)
    source = open_source(memory.scenes())
    video = inferencer.new_result(source, keep_frames=False)
    # No sheet: it holds up to a number of frames, which come and go.
    inferencer.predict_into(
        video, source, tmp_path, ('mp4', 'json'), score=0.2, progress=False
    )
    assert memory.num_frames == video.num_frames == FRAMES
    # Each scene has objects of its own, of which sums are kept.
    tracks = len(video.track_ids()) / FRAMES
    assert memory.bytes_a_frame() < MOST_HELD + 1024 * tracks
    assert memory.anonymous_growth() < MOST_ANONYMOUS
    assert check_submission(video.files['json'], video.files['video']) == []
    capture = cv2.VideoCapture(str(video.files['mp4']))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    capture.release()


class Wandering(Detections):
    """Eight discs that go round."""

    def of(self, frame, size):
        masks = np.zeros((8, *size), np.uint8)
        unit = size[0] / 18
        for row, mask in enumerate(masks):
            angle = frame / 40 + row * np.pi / 4
            x, y = 16 + 12.5 * np.cos(angle), 9 + 6 * np.sin(angle)
            cv2.circle(mask, (round(x * unit), round(y * unit)), round(unit), 1, -1)
        return Found(encode_masks(masks.astype(bool)), [0.9] * 8, [0] * 8)


def track_masks(memory: HeldMemory, folder):
    pytest.importorskip('av')
    inferencer, source = MaskInferencer(Wandering()), open_source(memory.scenes())
    video = inferencer.new_result(source, keep_frames=False)
    kinds = ('mp4', 'html', 'json', 'csv', 'mots')
    inferencer.predict_into(video, source, folder, kinds, progress=False)
    assert memory.num_frames == video.num_frames and video.codec == 'h264'
    assert set(video.files) == {*kinds, 'video'}
    assert len(video.track_ids()) == 8
    return video


def test_memory_does_not_grow_with_a_page_of_the_video(tmp_path, monkeypatch):
    memory = HeldMemory(monkeypatch, FRAMES, SIZE, WARM_UP)
    video = track_masks(memory, tmp_path)
    assert memory.bytes_a_frame() < MOST_HELD
    assert memory.anonymous_growth() < MOST_ANONYMOUS
    for track in video.iter_youtube_vis():
        assert sum(mask is not None for mask in track['segmentations']) == FRAMES


@pytest.mark.parametrize('kept', [0, 1024])
def test_a_record_of_one_kib_a_frame_would_be_noticed(tmp_path, monkeypatch, kept):
    records, put = [], VideoPage._put

    def keeping(page, instances) -> None:
        records.append(bytes(kept))
        put(page, instances)

    monkeypatch.setattr(VideoPage, '_put', keeping)
    # Less waits for the file in so short a video than would be noticed.
    monkeypatch.setattr('mmvis.apis.video_result._LIMIT', 4096)
    memory = HeldMemory(monkeypatch, 640, (96, 54), 160)
    track_masks(memory, tmp_path)
    assert (memory.bytes_a_frame() > MOST_HELD) == bool(kept)
