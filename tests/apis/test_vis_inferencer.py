"""However frames come in, the same instances come out, and files are whole."""

import json

import cv2
import numpy as np
import pytest
import torch
from inferencers import images, make_inferencer, same_results, write_folder, write_video
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from model_factory import tiny_config
from video_reader import read_video

from mmvis.apis import VISInferencer
from mmvis.apis.errors import OutOfMemoryError
from mmvis.apis.frame_sources import (
    DamagedFrameError,
    NoFramesError,
    UnreadableSourceError,
)
from mmvis.apis.loading import ConfigNotFoundError, DeviceError, find_config
from mmvis.apis.write_behind import WriteBehind
from mmvis.apis.writers import results as results_module
from mmvis.evaluation import check_submission
from mmvis.evaluation.video_tracks import VideoTracks
from mmvis.registry import MODELS, TRANSFORMS

FRAMES = 7


@pytest.fixture(scope='module')
def inferencer() -> VISInferencer:
    return make_inferencer()


@pytest.fixture(scope='module')
def wanted(inferencer) -> list:
    """Results frame by frame."""
    session = inferencer.session()
    return [session.step(image) for image in images(FRAMES)]


def test_streams_chunks_and_folders_agree(inferencer, wanted, tmp_path):
    folder = write_folder(tmp_path / 'video', images(FRAMES))
    for source, options in (
        (images(FRAMES), {}),
        (iter(images(FRAMES)), dict(chunk=3)),
        (folder, dict(chunk=FRAMES, read_ahead=0)),
        (folder, dict(chunk=100)),
    ):
        pairs = list(inferencer.stream(source, **options))
        same_results([result for _, result in pairs], wanted)
        for (image, _), frame in zip(pairs, images(FRAMES), strict=True):
            assert (image == frame).all()
    video = inferencer(folder)
    same_results(video.frames, wanted)
    assert not video.files


def test_streams_that_share_a_session_go_on_from_each_other(inferencer, wanted):
    """Also where both are made before the first has begun."""
    session = inferencer.session()
    parts = images(FRAMES)[:2], images(FRAMES)[2:]
    streams = [inferencer.stream(part, session=session) for part in parts]
    found = [[result for _, result in stream] for stream in streams]
    assert [[r.frame_id for r in part] for part in found] == [
        list(range(len(part))) for part in parts
    ]
    assert [list(r.ids) for part in found for r in part] == [
        list(w.ids) for w in wanted
    ]


def test_what_a_stream_gives_is_what_testing_gives(inferencer, wanted):
    """The model on the config's own test pipeline, fed by its dataset."""

    cfg = tiny_config()
    steps = cfg.test_pipeline
    assert steps[0].transforms.pop(0).type == 'LoadVISFrame'
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    frames = images(FRAMES)
    clip = dict(
        img=frames,
        img_path=[''] * FRAMES,
        img_id=list(range(FRAMES)),
        frame_id=list(range(FRAMES)),
        video_id=[77] * FRAMES,
        ori_video_length=[FRAMES] * FRAMES,
        img_shape=[(96, 160)] * FRAMES,
        ori_shape=[(96, 160)] * FRAMES,
    )
    packed = pipeline(clip)
    batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    (sample,) = inferencer.model.test_step(batch)
    for frame, result in zip(sample, wanted, strict=True):
        found = frame.pred_track_instances
        assert found.instances_id.tolist() == result.ids.tolist()
        assert [m['counts'] for m in found.masks] == [m['counts'] for m in result.rles]


def test_two_sessions_in_turns_are_two_runs(inferencer, wanted):
    other = images(FRAMES, seed=5)
    alone = inferencer.session()
    alone = [alone.step(image) for image in other]
    one, two = inferencer.session(), inferencer.session()
    turns = [
        (one.step(a), two.step(b)) for a, b in zip(images(FRAMES), other, strict=True)
    ]
    for got, expected in zip(zip(*turns, strict=True), (wanted, alone), strict=True):
        for a, b in zip(got, expected, strict=True):
            assert a.ids.tolist() == b.ids.tolist()
            assert (a.bboxes == b.bboxes).all() and (a.scores == b.scores).all()
            assert [m['counts'] for m in a.rles] == [m['counts'] for m in b.rles]


def test_a_model_of_whole_videos_gets_them(tmp_path):
    """OfflineTFAN looks ahead: a chunk would be refused."""
    cfg = tiny_config('tiny/tfan_tiny_synthvis.py')
    cfg.model.type = 'OfflineTFAN'
    init_default_scope('mmvis')
    torch.manual_seed(0)
    net = MODELS.build(cfg.model).eval()
    whole = VISInferencer(cfg, net.state_dict())
    together = whole.session().steps(images(5))
    for source, options in ((images(5), {}), (iter(images(5)), dict(chunk=2))):
        got = [result for _, result in whole.stream(source, **options)]
        assert [len(r) for r in got] == [len(r) for r in together]
        for a, b in zip(got, together, strict=True):
            assert (a.bboxes == b.bboxes).all() and (a.ids == b.ids).all()
    folder = write_folder(tmp_path / 'video', images(3))
    (folder / '2.png').write_bytes(b'')
    with pytest.raises(DamagedFrameError, match='Frame 1'):
        list(whole.stream(folder, on_error='skip'))


def test_reset_begins_a_new_video(inferencer, wanted):
    session = inferencer.session()
    session.steps(images(4, seed=3))
    assert (session.num_frames, session.frame_size) == (4, (96, 160))
    with pytest.raises(ValueError, match=r'Frame 4 is 64 x 48 .* are 160 x 96'):
        session.step(images(1, (48, 64))[0])
    session.reset()
    session.step(images(1, (48, 64))[0])
    session.reset()
    same_results([session.step(image) for image in images(FRAMES)], wanted)


@pytest.mark.parametrize('image', [None, np.zeros((4, 4)), np.zeros((4, 4, 3))])
def test_what_is_no_image_is_refused(inferencer, image):
    with pytest.raises(ValueError, match=r'Frame 0 is .* uint8 BGR'):
        inferencer.session().step(image)


def test_files_of_a_video(inferencer, wanted, tmp_path):
    source = write_video(tmp_path / 'in.mp4', images(FRAMES), fps=5)
    save = ('mp4', 'json', 'masks', 'sheet')
    video = inferencer(source, tmp_path / 'out/seen.mp4', save, score=0.0)
    names = {kind: path.name for kind, path in video.files.items()}
    assert names == dict(
        mp4='seen.mp4',
        json='seen.json',
        video='seen_video.json',
        masks='seen_masks',
        sheet='seen_sheet.jpg',
    )
    frames, fps = read_video(video.files['mp4'])
    assert (len(frames), fps) == (FRAMES, 5)
    assert check_submission(video.files['json'], video.files['video']) == []

    # The json by the metric's own gathering, the PNGs by the masks.
    tracks = VideoTracks(1, FRAMES, (96, 160))
    for t, result in enumerate(video.frames):
        tracks.add_frame(t, result.to_tracks())
        for row, track in enumerate(result.ids):
            (path,) = video.files['masks'].glob(f'{track:04d}*/{t:05d}.png')
            png = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert ((png > 0) == result.masks[row]).all()
    written = json.loads(video.files['json'].read_text())
    expected = tracks.to_results()['tracks']
    assert len(written) == len(expected) > 0
    assert sorted(t['score'] for t in written) == pytest.approx(
        sorted(t['score'] for t in expected)
    )
    pngs = sum(1 for _ in video.files['masks'].rglob('*.png'))
    assert pngs == sum(len(result) for result in video.frames)


def test_score_and_classes_hold_for_every_file(inferencer, tmp_path):
    everything = inferencer(images(FRAMES)).to_youtube_vis()
    category = max(track['category_id'] for track in everything)
    scores = [t['score'] for t in everything if t['category_id'] == category]
    score = float(np.median(scores))
    video = inferencer(
        images(FRAMES), tmp_path, ('json', 'masks'), score=score, classes=[category - 1]
    )
    written = json.loads(video.files['json'].read_text())
    assert {track['category_id'] for track in written} == {category}
    kept = sorted(s for s in scores if s >= score)
    assert sorted(track['score'] for track in written) == pytest.approx(kept)
    assert 0 < len(kept) < len(scores) < len(everything)
    pngs = {
        (int(path.parent.name.partition('_')[0]), int(path.stem))
        for path in video.files['masks'].rglob('*.png')
    }
    shown = [
        (int(track), result.frame_id)
        for result in video.frames
        for track, value, label in zip(
            result.ids, result.scores, result.labels, strict=True
        )
        if value >= score and label == category - 1
    ]
    assert pngs == set(shown) and 0 < len(shown) < sum(len(r) for r in video.frames)


def test_only_what_is_asked_for_is_written(inferencer, tmp_path):
    video = inferencer(images(3), tmp_path, ('json',), score=0.0, classes=[2, 3])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'video.json',
        'video_video.json',
    ]
    written = json.loads(video.files['json'].read_text())
    assert {t['category_id'] for t in written} <= {3, 4}
    with pytest.raises(ValueError, match="save has 'avi'"):
        inferencer(images(1), tmp_path, ('avi',))
    with pytest.raises(ValueError, match="no class 'wolf'"):
        inferencer(images(1), tmp_path, classes='wolf')
    assert inferencer(images(1), tmp_path, 'json').files.keys() == {'json', 'video'}


def test_damaged_frames_are_left_out_or_stop_the_run(inferencer, tmp_path):
    folder = write_folder(tmp_path / 'video', images(FRAMES))
    for name in ('1.png', '4.png'):
        (folder / name).write_bytes(b'')
    with pytest.raises(DamagedFrameError, match=r'Frame 0, .*1\.png, is empty'):
        inferencer(folder, tmp_path / 'stopped')
    for chunk in (1, 3):
        video = inferencer(folder, tmp_path / f'{chunk}', on_error='skip', chunk=chunk)
        assert list(video.damaged) == [0, 3]
        assert [r.frame_id for r in video.frames] == [1, 2, 4, 5, 6]
        # As many frames as the input, and null where there was none.
        assert len(read_video(video.files['mp4'])[0]) == FRAMES
        for track in video.to_youtube_vis():
            assert len(track['segmentations']) == FRAMES
            assert track['segmentations'][0] is track['segmentations'][3] is None
        assert check_submission(video.files['json'], video.files['video']) == []


def test_a_source_of_damaged_frames_alone_is_no_success(inferencer, tmp_path):
    folder = write_folder(tmp_path / 'video', images(2))
    for path in folder.iterdir():
        path.write_bytes(b'')
    with pytest.raises(UnreadableSourceError, match=r'None of the 2 .*1\.png, is'):
        inferencer(folder, tmp_path / 'out', on_error='skip')
    assert not [*(tmp_path / 'out').iterdir()]


def test_a_file_that_cannot_be_written_leaves_the_others_whole(
    inferencer, tmp_path, monkeypatch
):
    def full(path, content):
        raise OSError(f'{path} cannot be written: the disk is full.')

    monkeypatch.setattr(results_module, 'write_json', full)
    with pytest.raises(OSError, match=r'video\.json cannot be written'):
        inferencer(images(3), tmp_path, ('mp4', 'json', 'sheet'))
    assert len(read_video(tmp_path / 'video.mp4')[0]) == 3
    assert (tmp_path / 'video_sheet.jpg').is_file()


@pytest.mark.parametrize('error', [KeyboardInterrupt, OSError('the disk is gone')])
def test_an_end_in_the_middle_leaves_whole_files(inferencer, tmp_path, error):
    def source():
        yield from images(5)
        raise error

    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        inferencer(source(), tmp_path, ('mp4', 'json', 'sheet'), chunk=2)
    assert len(read_video(tmp_path / 'video.mp4')[0]) == 4
    faults = check_submission(tmp_path / 'video.json', tmp_path / 'video_video.json')
    assert faults == [] and (tmp_path / 'video_sheet.jpg').is_file()


def test_interrupted_where_files_are_behind_they_have_the_same_frames(
    inferencer, tmp_path, monkeypatch
):
    """Most of a fast run's time the frame that comes waits for those before."""
    waited = []
    wait = WriteBehind.wait_for_room

    def interrupted(behind):
        waited.append(1)
        if len(waited) == 4:
            raise KeyboardInterrupt
        wait(behind)

    monkeypatch.setattr(WriteBehind, 'wait_for_room', interrupted)
    with pytest.raises(KeyboardInterrupt):
        inferencer(images(6), tmp_path, ('mp4', 'json'))
    assert len(read_video(tmp_path / 'video.mp4')[0]) == 3
    about = json.loads((tmp_path / 'video_video.json').read_text())
    assert about['videos'][0]['length'] == 3


def test_a_stream_that_is_left_ends_its_reading(inferencer):
    closed = []

    def source():
        try:
            yield from images(50)
        finally:
            closed.append(True)

    stream = inferencer.stream(source())
    next(stream)
    stream.close()
    assert closed


@pytest.mark.parametrize(
    ('options', 'words'),
    [(dict(chunk=0), 'chunk is'), (dict(on_error='x'), 'on_error is one of')],
)
def test_wrong_options_are_said_at_once(inferencer, options, words):
    with pytest.raises(ValueError, match=words):
        inferencer.stream(images(1), **options)


def test_a_source_without_frames(inferencer):
    with pytest.raises(NoFramesError, match='gave no frame'):
        list(inferencer.stream(iter(())))


def test_half_precision_is_of_the_features_alone():
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py')
    init_default_scope('mmvis')
    torch.manual_seed(0)
    weights = MODELS.build(cfg.model).state_dict()
    exact, half = (VISInferencer(cfg, weights, half=half) for half in (False, True))
    frame = torch.randn(1, 3, 96, 160)
    with torch.inference_mode():
        pairs = [flat(i.model.extract_test_feat(frame)) for i in (exact, half)]
    errors = []
    for one, other in zip(*pairs, strict=True):
        assert one.dtype == other.dtype
        errors.append(((one - other).float().norm() / one.float().norm()).item())
    assert 0 < max(errors) < 0.05  # bfloat16 has 8 bits
    half.session().steps(images(2))


def flat(feats) -> list[torch.Tensor]:
    """The tensors of nested tuples."""
    if isinstance(feats, torch.Tensor):
        return [feats]
    return [tensor for part in feats for tensor in flat(part)]


def test_names_of_configs(tmp_path):
    assert find_config('stmask_r50').endswith('configs/stmask_r50.py')
    (tmp_path / 'mine.py').write_text('')
    assert find_config(tmp_path / 'mine.py') == str(tmp_path / 'mine.py')
    with pytest.raises(ConfigNotFoundError, match='mean stmask_r50'):
        find_config('stmask_r5O')


def test_a_device_that_is_not_there():
    missing = 'cuda:99' if torch.cuda.is_available() else 'cuda'
    with pytest.raises(DeviceError, match=missing):
        VISInferencer('sg_net_tiny_synthvis', {}, device=missing)


def test_memory_that_is_used_up_names_the_frame_and_its_detections(
    inferencer, monkeypatch
):
    session = inferencer.session()
    session.step(images(1)[0])

    def fail(*args):
        detections = InstanceData(scores=torch.ones(512))
        raise torch.OutOfMemoryError(f'CUDA out of memory for {len(detections)}.')

    monkeypatch.setattr(inferencer.model, 'predict_frame', fail)
    with pytest.raises(OutOfMemoryError, match='in frame 1, which had 512 detections'):
        session.step(images(1)[0])
