"""What is wrong with folders of masks is told in one sentence."""

import re

import numpy as np
import pytest
from data_factory import make_vis_dataset
from mask_painting import SIZE, convert, indexed, save, write_values
from PIL import Image


@pytest.fixture
def one_video(tmp_path):
    return make_vis_dataset(tmp_path, lengths=(4,))


def without_category(root, masks, frames):
    (root / 'c.json').write_text('{"video_1": {"1": "dog"}}')


def bad_line(root, masks, frames):
    (root / 'c.csv').write_text('video_1,1,dog\nvideo_1,2')


def other_size(root, masks, frames):
    save(indexed(np.zeros((9, 8), np.uint8)), masks / '00010.png')


def frame_of_other_size(root, masks, frames):
    Image.new('RGB', (8, 9)).save(frames / '00010.png')


def no_frame(root, masks, frames):
    (frames / '00010.png').unlink()


def no_folder_of_frames(root, masks, frames):
    frames.rename(frames.with_name('other'))


def truncated(root, masks, frames):
    data = (masks / '00010.png').read_bytes()
    (masks / '00010.png').write_bytes(data[:60])


def smoothed(root, masks, frames):
    colours = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    save(Image.fromarray(colours), masks / '00010.png')


def two_layouts(root, masks, frames):
    save(indexed(np.zeros(SIZE, np.uint8)), masks / 'object' / '00010.png')


def two_files(root, masks, frames):
    (frames / '00010.jpg').write_bytes((frames / '00010.png').read_bytes())


def too_deep(root, masks, frames):
    for path in masks.iterdir():
        path.rename(masks.parent / path.name)
    masks.rmdir()


def no_masks(root, masks, frames):
    for path in masks.iterdir():
        path.unlink()


def jpeg_masks(root, masks, frames):
    for path in masks.iterdir():
        path.rename(path.with_suffix('.JPG'))


def empty_object(root, masks, frames):
    no_masks(root, masks, frames)
    (masks / 'dog').mkdir()


def one_folder_too_many(root, masks, frames):
    names = list(masks.iterdir())
    (masks / 'cat/x').mkdir(parents=True)
    for path in names:
        path.rename(masks / 'cat/x' / path.name)
    (masks / 'a').mkdir()


def one_object_too_deep(root, masks, frames):
    one_folder_too_many(root, masks, frames)
    save(indexed(np.zeros(SIZE, np.uint8)), masks / 'dog/00000.png')


def unnamed_category(root, masks, frames):
    (root / 'c.json').write_text('{"video_1": " "}')


def name_of_another_system(root, masks, frames):
    for folder in (masks, frames):
        (folder / '00010.png').rename(folder / 'a\\..\\b.png')


def frames_elsewhere(root, masks, frames):
    frames.rename(root / 'elsewhere')
    frames.symlink_to(root / 'elsewhere')


WRONG = [
    (without_category, "c.json' has no category for object '2' of video 'video_1'"),
    (bad_line, "c.csv', line 2: .*'video_1,2'"),
    (other_size, "00010.png' is 8x9 .* video 'video_1' are 64x48"),
    (frame_of_other_size, "JPEGImages/video_1/00010.png' is 8x9 .* 64x48"),
    (no_frame, "JPEGImages/video_1' has no frame '00010'"),
    (no_folder_of_frames, "no folder of frames '.*JPEGImages/video_1'"),
    (truncated, "masks/video_1/00010.png' is damaged"),
    (smoothed, "00010.png' are 3072: .* without loss"),
    (two_layouts, "masks/video_1' has both"),
    (no_masks, "masks/video_1' has no PNG masks: masks are"),
    (jpeg_masks, "masks/video_1' has no PNG masks, but '00000.JPG'"),
    (empty_object, "masks/video_1/dog' has no PNG masks: masks are"),
    (one_folder_too_many, "masks/video_1/cat' has no PNG masks, but 'x'"),
    (one_object_too_deep, "masks/video_1/cat' has no PNG masks, but 'x'"),
    (unnamed_category, "c.json' has no category of object"),
    (name_of_another_system, r"b.png' would be refused .* rename it"),
    (frames_elsewhere, "A link leads 'video_1/00000.png' out .*MMVIS_FOLLOW_LINKS=1"),
    (two_files, "two files for one frame, '00010.jpg' and '00010.png'"),
    (too_deep, "masks' has no folder of masks for each video"),
]


@pytest.mark.parametrize(
    ('spoil', 'message'), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG]
)
def test_what_is_wrong_is_one_sentence(one_video, spoil, message):
    write_values(one_video, [[0, 1], [1, 2], [2, 0]])
    root = one_video.root
    spoil(root, root / 'masks/video_1', root / one_video.prefix / 'video_1')
    files = list(root.glob('c.*'))
    with pytest.raises((ValueError, FileNotFoundError)) as raised:
        convert(one_video, categories=files[0] if files else None)
    said = str(raised.value)
    assert re.search(message, said) and said.endswith('.') and '\n' not in said
    assert not (root / 'out.json').exists()


def test_frames_behind_links_of_ones_own(one_video, monkeypatch):
    write_values(one_video, [[0, 1]])
    frames_elsewhere(one_video.root, None, one_video.root / 'JPEGImages/video_1')
    monkeypatch.setenv('MMVIS_FOLLOW_LINKS', '1')
    assert len(convert(one_video)['annotations']) == 1


@pytest.mark.parametrize('name', ['', ' '])
def test_a_category_without_a_name(one_video, name):
    write_values(one_video, [[0, 1]])
    with pytest.raises(ValueError, match='category of all objects has no name'):
        convert(one_video, category=name)
    assert not (one_video.root / 'out.json').exists()
