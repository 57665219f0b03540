import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from data_factory import make_vis_dataset
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from video_reader import read_video

from mmvis.engine.hooks import VISVisualizationHook
from mmvis.registry import HOOKS
from mmvis.structures.rle import encode_masks


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, lengths=(4, 3, 2))


@pytest.fixture
def runner(tmp_path):
    dataset = SimpleNamespace(metainfo=dict(classes=('box', 'disc')))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    return SimpleNamespace(
        work_dir=str(tmp_path / 'work'),
        timestamp='20260101_000000',
        iter=70,
        logger=logging.getLogger('test'),
        val_loop=loop,
        test_loop=loop,
    )


def chunk(vis_set, video_index, frames, score=0.9, as_rle=True):
    """Predictions equal to the ground truth of some frames of a video."""
    video = vis_set.content['videos'][video_index]
    ids = [
        a['id'] for a in vis_set.content['annotations'] if a['video_id'] == video['id']
    ]
    samples = []
    for t in frames:
        sample = DetDataSample(
            metainfo=dict(
                img_path=str(vis_set.root / vis_set.prefix / video['file_names'][t]),
                video_id=video['id'],
                frame_id=t,
                ori_video_length=video['length'],
                ori_shape=(48, 64),
            )
        )
        masks = torch.from_numpy(np.stack([vis_set.masks[i][t] for i in ids]))
        sample.pred_track_instances = InstanceData(
            bboxes=torch.zeros(len(ids), 4),
            scores=torch.full((len(ids),), score),
            labels=torch.arange(len(ids)),
            instances_id=torch.tensor(ids),
            masks=encode_masks(masks) if as_rle else masks,
        )
        samples.append(sample)
    track_sample = TrackDataSample()
    track_sample.video_data_samples = samples
    return track_sample


def videos_in(folder):
    return {
        str(path.relative_to(folder)): read_video(path)[0]
        for path in sorted(folder.rglob('*.mp4'))
    }


def run_test(hook, runner, batches):
    hook.before_test_epoch(runner)
    for i, batch in enumerate(batches):
        hook.after_test_iter(runner, i, {}, batch)
    hook.after_test_epoch(runner, {})


def test_off_by_default(vis_set, runner, tmp_path):
    run_test(VISVisualizationHook(), runner, [[chunk(vis_set, 0, range(4))]])
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('as_rle', [True, False])
def test_chunks_of_videos_become_files(vis_set, runner, tmp_path, as_rle):
    hook = HOOKS.build(dict(type='VISVisualizationHook', draw=True))
    batches = [
        [chunk(vis_set, 0, (0, 1, 2), as_rle=as_rle)],
        [chunk(vis_set, 0, (3,)), chunk(vis_set, 1, (0, 1))],
        [chunk(vis_set, 1, (2,)), chunk(vis_set, 2, (0, 1))],
    ]
    run_test(hook, runner, batches)
    videos = videos_in(tmp_path / 'work' / '20260101_000000' / 'vis')
    lengths = {name: len(frames) for name, frames in videos.items()}
    assert lengths == {'1_video_1.mp4': 4, '2_video_2.mp4': 3, '3_video_3.mp4': 2}
    assert videos['1_video_1.mp4'][0].shape == (48 * 8, 64 * 8, 3)


def test_low_scores_are_not_drawn(vis_set, runner, tmp_path):
    out = tmp_path / 'seen'
    hook = VISVisualizationHook(draw=True, out_dir=str(out), score_thr=0.5)
    run_test(hook, runner, [[chunk(vis_set, 2, (0, 1), score=0.4)]])
    low = videos_in(out)['3_video_3.mp4']
    name = vis_set.content['videos'][2]['file_names'][0]
    frame = cv2.imread(str(vis_set.root / vis_set.prefix / name))
    original = frame.repeat(8, axis=0).repeat(8, axis=1)
    difference = np.abs(low[0].astype(int) - original).mean()
    run_test(hook, runner, [[chunk(vis_set, 2, (0, 1), score=0.6)]])
    high = videos_in(out)['3_video_3.mp4']
    assert np.abs(high[0].astype(int) - original).mean() > difference + 5


def test_at_most_max_videos_an_evaluation(vis_set, runner, tmp_path):
    hook = VISVisualizationHook(draw=True, max_videos=1)
    for iteration in (10, 20):
        runner.iter = iteration
        hook.before_val_epoch(runner)
        for index, length in enumerate((4, 3, 2)):
            hook.after_val_iter(
                runner, index, {}, [chunk(vis_set, index, range(length))]
            )
        hook.after_val_epoch(runner, {})
    folder = tmp_path / 'work' / '20260101_000000' / 'vis'
    assert list(videos_in(folder)) == [
        'iter_10/1_video_1.mp4',
        'iter_20/1_video_1.mp4',
    ]


def test_unfinished_video_plays(vis_set, runner, tmp_path):
    """A loop that ends early leaves a file that can be opened."""
    hook = VISVisualizationHook(draw=True)
    run_test(hook, runner, [[chunk(vis_set, 0, (0, 1))]])
    videos = videos_in(tmp_path / 'work')
    assert [len(frames) for frames in videos.values()] == [2]


def test_a_finished_video_plays_while_others_are_predicted(vis_set, runner, tmp_path):
    """So that few files are open at a time."""
    hook = VISVisualizationHook(draw=True)
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, {}, [chunk(vis_set, 2, (0, 1))])
    videos = videos_in(tmp_path / 'work')
    assert [len(frames) for frames in videos.values()] == [2]
    hook.after_test_epoch(runner, {})


def test_frames_without_instances(vis_set, runner, tmp_path):
    sample = chunk(vis_set, 2, (0, 1))
    for frame in sample.video_data_samples:
        frame.pred_track_instances = InstanceData(
            bboxes=torch.zeros(0, 4),
            scores=torch.zeros(0),
            labels=torch.zeros(0, dtype=torch.long),
            instances_id=torch.zeros(0, dtype=torch.long),
            masks=[],
        )
    run_test(VISVisualizationHook(draw=True), runner, [[sample]])
    assert len(videos_in(tmp_path / 'work')) == 1


def test_kept_instances_keep_their_ids_and_labels(vis_set, runner, monkeypatch):
    seen = []

    def draw(image, masks, ids, labels, scores, class_names, scale):
        seen.append((len(masks), ids, labels, scores.tolist(), class_names))
        return image

    monkeypatch.setattr('mmvis.engine.hooks.visualization_hook.draw_tracks', draw)
    sample = chunk(vis_set, 2, (0,))
    sample.video_data_samples[0].pred_track_instances.scores[:] = torch.tensor(
        [0.25, 0.5]
    )
    run_test(VISVisualizationHook(draw=True), runner, [[sample]])
    # Ids of the third video's annotations are 5 and 6.
    assert seen == [(1, [6], [1], [0.5], ('box', 'disc'))]
