"""A video of any length runs in constant memory, from its frames to its files."""

import resource
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from inferencers import images, make_inferencer

from mmvis.apis import MaskInferencer, open_source
from mmvis.apis.detections import Detections, Found
from mmvis.evaluation import check_submission
from mmvis.structures.rle import encode_masks

FRAMES, WARM_UP = 2000, 200


def resident_kilobytes() -> int:
    """What this process has in memory now."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def scenes(used: list[int]) -> Iterator[np.ndarray]:
    """Frames of 360x640, of a scene that changes now and then; notes the memory."""
    for start in range(0, FRAMES, 20):
        for frame in images(20, seed=start):
            used.append(resident_kilobytes())
            yield cv2.resize(frame, (640, 360), interpolation=cv2.INTER_CUBIC)


@pytest.mark.full
def test_memory_does_not_grow(tmp_path):
    inferencer, used = make_inferencer(), []
    inferencer.model.detector.roi_head.test_cfg.max_per_img = 8
    source = open_source(scenes(used))
    video = inferencer.new_result(source, keep_frames=False)
    inferencer.predict_into(
        video, source, tmp_path, ('mp4', 'json', 'sheet'), score=0.2, progress=False
    )
    assert len(used) == video.num_frames == FRAMES
    assert np.mean(used[-50:]) - np.mean(used[WARM_UP : WARM_UP + 50]) < 50 * 1024
    assert check_submission(video.files['json'], video.files['video']) == []
    capture = cv2.VideoCapture(str(video.files['mp4']))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    capture.release()


class Wandering(Detections):
    """Eight discs that go round."""

    def of(self, frame, size):
        masks = np.zeros((8, *size), np.uint8)
        for row, mask in enumerate(masks):
            angle = frame / 40 + row * np.pi / 4
            x, y = 320 + 250 * np.cos(angle), 180 + 120 * np.sin(angle)
            cv2.circle(mask, (round(x), round(y)), 20, 1, -1)
        return Found(encode_masks(masks.astype(bool)), [0.9] * 8, [0] * 8)


@pytest.mark.full
def test_memory_does_not_grow_with_a_page_of_the_video(tmp_path):
    pytest.importorskip('av')
    used: list[int] = []
    inferencer, source = MaskInferencer(Wandering()), open_source(scenes(used))
    video = inferencer.new_result(source, keep_frames=False)
    kinds = ('mp4', 'html', 'csv', 'mots')
    inferencer.predict_into(video, source, tmp_path, kinds, progress=False)
    assert len(used) == video.num_frames == FRAMES and video.codec == 'h264'
    assert len(video.to_youtube_vis()) == 8
    grown = np.mean(used[-50:]) - np.mean(used[WARM_UP : WARM_UP + 50])
    # What stays are run lengths, some 100 bytes each of 8 a frame, and Python's 100.
    assert grown < 20 * 1024
    assert set(video.files) == {'mp4', 'html', 'csv', 'mots'}
