"""Two gloo processes give the numbers of one, also when a rank has no video."""

import os

import pytest
from prediction_factory import frame_samples, make_metric, process, two_videos
from processes import run_ranks

LENGTHS = {7: 3, 0: 2}
# Which rank predicts which videos, and how it collects.
CASES = {
    'one each': ([7], [0], 'cpu'),
    'gathered on devices': ([0], [7], 'gpu'),
    'a rank without videos': ([0, 7], [], 'cpu'),
    'first rank without videos': ([], [7, 0], 'gpu'),
    'fewer videos than ranks': ([], [7], 'cpu'),
    'nothing at all': ([], [], 'cpu'),
    'a video on both': ([7], [7, 0], 'cpu'),
    'a part of a video': ([7], ['half of 0'], 'cpu'),
    'again after these': ([7], [0], 'cpu'),
}


def evaluate(metric, video_ids, tracks):
    for video_id in video_ids:
        if video_id == 'half of 0':
            process(metric, frame_samples(0, tracks[0], 2)[:1])
        else:
            samples = frame_samples(video_id, tracks[video_id], LENGTHS[video_id])
            process(metric, samples, chunk=2)
    # mmengine passes the number of data samples, here of chunks, of all ranks.
    try:
        return metric.evaluate(4)
    except ValueError as error:
        return str(error)


def outcomes_of_rank(rank, folder):
    os.chdir(folder)
    ann_file, tracks = two_videos(folder / str(rank))
    outcomes = {}
    for name, (*of_ranks, device) in CASES.items():
        metric = make_metric(
            ann_file, [40, 3], collect_device=device, outfile_prefix=f'{rank}/{name}'
        )
        outcomes[name] = evaluate(metric, of_ranks[rank], tracks)
    return outcomes


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('two_ranks')
    for rank in (0, 1):
        (folder / str(rank)).mkdir()
    of_ranks = run_ranks(outcomes_of_rank, folder, folder=folder)
    written = {path.name for path in (folder / '1').iterdir()}
    assert written == {'instances.json'}  # only the first rank writes results
    return of_ranks


@pytest.mark.parametrize('name', CASES)
def test_same_numbers_as_one_process(outcomes, tmp_path, name):
    first, second = (of_rank[name] for of_rank in outcomes)
    assert first == second  # every rank gets them
    ann_file, tracks = two_videos(tmp_path)
    video_ids = [video_id for part in CASES[name][:2] for video_id in part]
    if name == 'a video on both':
        assert 'video 7 was predicted twice' in first
    elif name == 'a part of a video':
        assert 'video 0 (1 of 2 frames)' in first
    else:
        assert first == evaluate(make_metric(ann_file, [40, 3]), video_ids, tracks)
        assert first['youtube_vis/AP'] == pytest.approx(
            {0: 0.0, 1: (1 + 51 / 101) / 2, 2: 1.0}[len(video_ids)]
        )
