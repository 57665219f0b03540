import json

import cv2
import numpy as np
import pytest
from data_factory import make_vis_dataset
from video_reader import read_video

from mmvis.structures.annotation_file import read_annotation_file
from mmvis.visualization.colours import id_colour
from mmvis.visualization.render import VideoRenderer, render_results
from mmvis.visualization.video_tracks import ground_truth_tracks


@pytest.fixture
def vis_set(tmp_path):
    return make_vis_dataset(tmp_path, nulls={2: (1,)})


def predictions(vis_set):
    path = vis_set.root / 'results.json'
    results = [
        {key: ann[key] for key in ('video_id', 'category_id', 'segmentations')}
        | dict(score=0.9 if ann['id'] % 2 else 0.1)
        for ann in vis_set.content['annotations']
    ]
    path.write_text(json.dumps(results))
    return str(path)


def images(vis_set):
    return str(vis_set.root / vis_set.prefix)


def test_frames_show_the_masks(vis_set):
    annotations = read_annotation_file(str(vis_set.ann_file))
    strips = {'ground truth': ground_truth_tracks(annotations)}
    renderer = VideoRenderer(annotations, images(vis_set), strips)
    frames = list(renderer.frames(annotations.videos[0]))
    assert [frame.shape for frame in frames] == [(8 * 48, 8 * 64, 3)] * 4
    for t, frame in enumerate(frames):
        path = vis_set.root / vis_set.prefix / annotations.videos[0]['file_names'][t]
        original = cv2.imread(str(path))
        for ann_id in (1, 2):
            mask = vis_set.masks[ann_id][t]
            inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0
            mixed = 0.55 * original[inner] + 0.45 * np.array(id_colour(ann_id))
            seen = frame[4::8, 4::8][inner]
            # Most of it: a label may lie on a part.
            close = np.abs(seen - mixed).max(1) <= 0.6 if len(seen) else np.ones(1)
            assert close.mean() > 0.5
        assert (t == 1) == (not vis_set.masks[2][t].any())


def test_one_mp4_of_ground_truth(vis_set, tmp_path):
    out = str(tmp_path / 'seen' / 'all.mp4')
    written = render_results(str(vis_set.ann_file), images(vis_set), out, fps=5)
    assert written == [out, str(tmp_path / 'seen' / 'all.png')]
    frames, fps = read_video(out)
    assert (len(frames), fps) == (7, 5)
    assert frames[0].shape == (8 * 48 + 24, 8 * 64, 3)
    # Four columns of frames 64 wide, five times as large.
    assert cv2.imread(written[1]).shape[1] == 8 + 4 * (5 * 64 + 8)


def test_a_sheet_of_narrower_cells(vis_set, tmp_path):
    sheets = {name: str(tmp_path / name) for name in ('wide.png', 'small.jpg')}
    for path, cell_width in zip(sheets.values(), (480, 130), strict=True):
        render_results(
            str(vis_set.ann_file),
            images(vis_set),
            str(tmp_path / 'all.mp4'),
            sheet=path,
            columns=2,
            cell_width=cell_width,
        )
    wide, small = (cv2.imread(path) for path in sheets.values())
    # Frames 64 wide: 7 times, and twice.
    assert wide.shape[1] == 8 + 2 * (7 * 64 + 8)
    assert small.shape[1] == 8 + 2 * (2 * 64 + 8)
    # Lossless, and a fraction of what OpenCV's settings give.
    content = (tmp_path / 'wide.png').read_bytes()
    assert len(content) < len(cv2.imencode('.png', wide)[1]) / 2
    # The same rows of frames, each with its title and captions.
    assert (tmp_path / 'small.jpg').stat().st_size < len(content)


def test_mp4s_of_results(vis_set, tmp_path):
    out = tmp_path / 'seen'
    written = render_results(
        str(vis_set.ann_file),
        images(vis_set),
        str(out),
        predictions(vis_set),
        compare=True,
        videos=['video_2'],
    )
    assert written == [str(out / '2_video_2.mp4'), str(out / 'contact_sheet.png')]
    assert sorted(map(str, out.iterdir())) == sorted(written)
    frames, _ = read_video(written[0])
    assert len(frames) == 3
    assert frames[0].shape == (8 * 48, 2 * 8 * 64, 3)


def test_videos_of_several_sizes_in_one_mp4(tmp_path):
    small = make_vis_dataset(tmp_path, lengths=(2, 2), size=(48, 64))
    (tmp_path / 'tall').mkdir()
    tall = make_vis_dataset(tmp_path / 'tall', lengths=(2,), size=(96, 32))
    video = tall.content['videos'][0]
    video |= dict(id=9, file_names=[f'tall/{n}' for n in video['file_names']])
    for name in video['file_names']:
        target = small.root / small.prefix / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tall.root / tall.prefix / name[5:]).read_bytes())
    small.content['videos'].append(video)
    small.write()
    out = str(tmp_path / 'all.mp4')
    render_results(str(small.ann_file), images(small), out)
    frames, _ = read_video(out)
    assert len(frames) == 6
    # 48 x 64 by 8 and 96 x 32 by 15, which is the higher.
    assert frames[0].shape == (96 * 15 + 24, 8 * 64, 3)


def test_unlabelled_split_shows_predictions_only(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    results = predictions(vis_set)
    del vis_set.content['annotations']
    vis_set.write()
    out = str(tmp_path / 'all.mp4')
    with pytest.raises(ValueError, match='no annotations'):
        render_results(str(vis_set.ann_file), images(vis_set), out)
    written = render_results(str(vis_set.ann_file), images(vis_set), out, results)
    assert len(read_video(written[0])[0]) == 7


def test_wrong_frame_is_named(vis_set, tmp_path):
    path = vis_set.root / vis_set.prefix / 'video_2' / '00005.png'
    cv2.imwrite(str(path), np.zeros((40, 64, 3), np.uint8))
    with pytest.raises(ValueError, match=r'00005\.png \(video 2\): mask 0 is 48 x 64'):
        render_results(
            str(vis_set.ann_file), images(vis_set), str(tmp_path / 'seen.mp4')
        )
