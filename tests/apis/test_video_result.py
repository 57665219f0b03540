"""What a result holds of a video, and what it says of classes."""

import gc
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mmvis.apis import video_result
from mmvis.apis.frames import FrameSource
from mmvis.apis.video_result import VideoResult
from mmvis.apis.writers.tables import MotsTable
from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import encode_masks

SIZE = (40, 60)


def new_result(**settings) -> VideoResult:
    source = FrameSource()
    source.name = 'video'
    return VideoResult(source, **settings)


def four_instances(labels=(0, 1, 0, 1)) -> FrameResult:
    masks = np.random.default_rng(0).random((4, *SIZE)) < 0.5
    rles = encode_masks(masks)
    assert all(len(rle['counts']) > 256 for rle in rles)  # 1 KiB a frame
    boxes = np.tile([0, 0, 60, 40], (4, 1))
    return FrameResult(0, SIZE, boxes, [0.5] * 4, labels, range(4), rles)


@pytest.mark.parametrize('keep_frames', [False, True])
def test_memory_does_not_grow_with_frames(keep_frames, monkeypatch):
    monkeypatch.setattr(video_result, '_LIMIT', 4096)
    video, result = new_result(keep_frames=keep_frames), four_instances()
    for frame in range(300):
        video.add(replace(result, frame_id=frame))
    tracemalloc.start()
    try:
        for frame in range(300, 900):
            video.add(replace(result, frame_id=frame))
        gc.collect()  # Python's lists of free objects count, too
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # A pointer a frame would be 4,800 bytes, beside what waits for the file.
    assert (held < 2 * 4096) == (not keep_frames)
    assert len(video.frames) == (900 if keep_frames else 0)
    tracks = video.to_youtube_vis()
    assert len(tracks) == 4
    for track, rle in zip(tracks, result.rles, strict=True):
        counts = {mask['counts'] for mask in track['segmentations']}
        assert counts == {rle['counts'].decode()} and track['score'] == 0.5


def test_mots_has_the_ids_of_the_json_without_names_too(tmp_path):
    result = four_instances()
    for ids, wanted in ((None, {'1', '2'}), ((3, 7), {'3', '7'})):
        video = new_result(category_ids=ids)
        table = MotsTable(tmp_path / f'{ids}.txt', video)
        video.add(result)
        table.write(np.zeros((*SIZE, 3), np.uint8), result)
        lines = table.close()['mots'].read_text().splitlines()
        assert {line.split()[2] for line in lines} == wanted
        in_json = {track['category_id'] for track in video.to_youtube_vis()}
        assert {str(number) for number in in_json} == wanted
