"""Items, categories, filtering and memory of YouTubeVISDataset."""

import gc
import multiprocessing
import os
import sys

import numpy as np
import pytest
from data_factory import make_annotation, make_vis_dataset
from mmdet.datasets.samplers import TrackImgSampler
from processes import run_apart, run_bounded

from mmvis.datasets import YTVIS_2021_CLASSES, YouTubeVISDataset
from mmvis.registry import DATASETS
from mmvis.structures import AnnotationWarning
from mmvis.structures.rle import decode_masks


def keep(results):
    """A pipeline that hands the item out as it is."""
    return results


def build(vis_set, **kwargs) -> YouTubeVISDataset:
    return DATASETS.build(vis_set.dataset_cfg(**dict(pipeline=[keep]) | kwargs))


def test_items_are_complete(tmp_path):
    vis_set = make_vis_dataset(tmp_path, nulls={1: [2]}, crowds=[4])
    dataset = build(vis_set)
    ids = []
    for index, length in enumerate((4, 3)):
        item = dataset.get_data_info(index)
        assert item['video_id'] == index + 1
        assert item['video_length'] == item['ori_video_length'] == length
        for frame, image in enumerate(item['images']):
            name = f'video_{index + 1}/{5 * frame:05d}.png'
            assert image['file_name'] == name
            assert image['img_path'] == str(tmp_path / 'JPEGImages' / name)
            assert (image['height'], image['width']) == (48, 64)
            assert (image['frame_id'], image['video_id']) == (frame, index + 1)
            ids.append(image['img_id'])
            for instance in image['instances']:
                number = instance['instance_id']
                mask = vis_set.masks[number][frame]
                assert type(instance['mask']['counts']) is str
                assert (decode_masks([instance['mask']], 48, 64)[0] == mask).all()
                rows, columns = np.nonzero(mask)
                x2, y2 = columns.max() + 1, rows.max() + 1
                assert instance['bbox'] == [columns.min(), rows.min(), x2, y2]
                assert instance['bbox_label'] == (number - 1) % 2
                assert instance['ignore_flag'] == (number == 4)
    assert len(set(ids)) == 7 and all(type(number) is int for number in ids)
    assert dataset.num_all_imgs == 7
    shown = [
        [i['instance_id'] for i in image['instances']]
        for image in dataset.get_data_info(0)['images']
    ]
    assert shown == [[1, 2], [1, 2], [2], [1, 2]]


def test_meta_information(tmp_path):
    vis_set = make_vis_dataset(tmp_path, categories=((7, 'disc'), (2, 'box')))
    meta = build(vis_set).metainfo
    assert meta['classes'] == ('disc', 'box')
    assert meta['category_ids'] == (7, 2)
    assert meta['ann_file'] == str(vis_set.ann_file)
    assert len(meta['palette']) == 2


def test_labels_follow_the_classes_of_the_config(tmp_path):
    categories = ((7, 'Giant_panda'), (2, 'flying disc'))
    vis_set = make_vis_dataset(tmp_path, categories=categories)
    classes = ['flying_disc', 'giant-panda']
    dataset = build(vis_set, metainfo=dict(classes=classes))
    assert dataset.metainfo['classes'] == tuple(classes)
    assert dataset.metainfo['category_ids'] == (2, 7)
    instances = dataset.get_data_info(0)['images'][0]['instances']
    assert [i['bbox_label'] for i in instances] == [1, 0]


def test_objects_of_other_categories_are_left_out_with_a_word(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    with pytest.warns(AnnotationWarning, match=r'2 objects .*\(disc\)') as caught:
        dataset = build(vis_set, metainfo=dict(classes=('box',)))
    assert len(caught) == 1
    labels = dataset.get_cat_ids(0)
    assert set(labels) == {0} and len(labels) == 4
    assert dataset.metainfo['category_ids'] == (1,)


def test_classes_that_the_file_lacks_are_an_error(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    with pytest.raises(
        ValueError, match=r'instances.json.*ball, cup.*It has: box, disc'
    ):
        build(vis_set, metainfo=dict(classes=('box', 'ball', 'cup')))
    with pytest.raises(ValueError, match='twice'):
        build(vis_set, metainfo=dict(classes=('box', 'Box')))


def test_all_categories_of_a_public_set_get_their_ids(tmp_path):
    categories = [(n, name) for n, name in enumerate(YTVIS_2021_CLASSES, 1)]
    vis_set = make_vis_dataset(tmp_path, categories=categories[::-1], labelled=False)
    metainfo = dict(classes=YTVIS_2021_CLASSES)
    dataset = build(vis_set, metainfo=metainfo, test_mode=True)
    assert dataset.metainfo['category_ids'] == tuple(range(1, 41))


def test_files_without_annotations(tmp_path):
    vis_set = make_vis_dataset(tmp_path, labelled=False)
    dataset = build(vis_set, test_mode=True)
    assert len(dataset) == 2
    assert dataset.get_data_info(0)['images'][0]['instances'] == []
    with pytest.raises(ValueError, match='cannot be trained on'):
        build(vis_set)


def test_user_errors_are_one_sentence(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'nothing.json.*data_root'):
        build(vis_set, ann_file='nothing.json')
    with pytest.raises(ValueError, match='no key min_sise'):
        build(vis_set, filter_cfg=dict(min_sise=32))
    with pytest.raises(ValueError, match='data_prefix has no key img'):
        build(vis_set, data_prefix=dict(img='JPEGImages'))
    with pytest.raises(IndexError, match='video 1 has 4 frames, not 2 to 9'):
        build(vis_set, test_mode=True)[0, 2, 9]
    with pytest.raises(IndexError, match='test_mode'):
        build(vis_set)[0, 0, 2]


def test_training_keeps_all_frames_and_draws_key_frames_with_targets(tmp_path):
    nulls = {1: [0, 1, 3, 4], 2: [0, 1, 3, 4], 3: [0, 1, 2], 4: [0, 1, 2]}
    vis_set = make_vis_dataset(tmp_path, lengths=(6, 3, 4), nulls=nulls, crowds=[5])
    for annotation in vis_set.content['annotations']:
        if annotation['id'] == 6:
            annotation['iscrowd'] = 1
    vis_set.write()
    dataset = build(vis_set)
    assert len(dataset) == 1  # video 2 shows nothing, video 3 only crowds
    assert dataset.get_key_frames(0).tolist() == [2, 5]
    assert dataset.get_len_per_video(0) == 6
    drawn = {dataset[0]['key_frame_id'] for _ in range(60)}
    assert drawn == {2, 5}
    nearest = [dataset[0, frame]['key_frame_id'] for frame in range(6)]
    assert nearest == [2, 2, 2, 2, 5, 5]
    assert len(dataset[0, 1]['images']) == 6
    everything = build(vis_set, filter_cfg=dict(filter_empty_gt=False))
    assert len(everything) == 3
    assert everything[1, 1]['key_frame_id'] == 1


def test_small_frames_are_no_key_frames_if_asked(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    assert len(build(vis_set, filter_cfg=dict(min_size=48))) == 2
    assert len(build(vis_set, filter_cfg=dict(min_size=49))) == 0


def test_min_area_is_a_rule_of_training_only(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(2,), objects=1)
    masks = np.zeros((2, 48, 64), dtype=bool)
    masks[0, 3, 4:9] = True
    masks[1, 3:5, 4:7] = True
    vis_set.content['annotations'][0].update(make_annotation(masks))
    vis_set.write()

    def frames(**kwargs):
        images = build(vis_set, **kwargs).get_data_info(0)['images']
        return [len(image['instances']) for image in images]

    assert frames(min_area=5) == [1, 1]
    assert frames(min_area=6) == [0, 1]
    assert frames(min_area=6, test_mode=True) == [1, 1]


def test_testing_gives_clips_of_consecutive_frames(tmp_path):
    dataset = build(make_vis_dataset(tmp_path), test_mode=True)
    clip = dataset[0, 1, 3]
    assert clip['frame_id'] == [1, 2]
    assert clip['video_length'] == [2, 2]
    assert clip['ori_video_length'] == [4, 4]
    assert [len(instances) for instances in clip['instances']] == [2, 2]
    assert dataset[1]['frame_id'] == [0, 1, 2]
    assert dataset[1, 2]['frame_id'] == [2]


@pytest.mark.parametrize('test_mode', [False, True])
def test_works_with_mmdets_sampler(tmp_path, test_mode):
    dataset = build(make_vis_dataset(tmp_path), test_mode=test_mode)
    indices = list(TrackImgSampler(dataset, seed=0))
    assert sorted(indices) == [(0, f) for f in range(4)] + [(1, f) for f in range(3)]
    for index in indices:
        found = dataset[index]
        frame = found['frame_id'][0] if test_mode else found['key_frame_id']
        assert frame == index[1]


def test_subsets_keep_lengths_and_key_frames_right(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(4, 3, 2), nulls={3: [0], 4: [0]})
    for subset in (build(vis_set, indices=[2, 1]), build(vis_set).get_subset([2, 1])):
        assert [subset.get_len_per_video(i) for i in range(2)] == [2, 3]
        assert subset.get_key_frames(1).tolist() == [1, 2]
    whole = build(vis_set)
    whole.get_subset_([1])
    assert whole.get_key_frames(0).tolist() == [1, 2] and whole.num_all_imgs == 3


def test_reading_is_the_same_without_serialisation(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    plain, packed = build(vis_set, serialize_data=False), build(vis_set)
    assert packed.data_list == [] and packed.data_bytes.dtype == np.uint8
    for index in range(2):
        assert plain.get_data_info(index) == packed.get_data_info(index)


def _private_memory() -> int:
    """Memory of this process, in KiB, that it shares with no other one (Linux)."""
    with open('/proc/self/smaps_rollup') as lines:
        return sum(int(x.split()[1]) for x in lines if 'Private_Dirty' in x)


def _read_all(dataset, answers) -> None:
    before = _private_memory()
    shown = sum(len(dataset.get_cat_ids(video)) for video in range(10))
    answers.send((_private_memory() - before, shown))


def _size_and_growth(_, cfg) -> tuple[float, int, int]:
    """KiB of a set, KiB that a forked reader copied of it, objects that it read."""
    dataset = DATASETS.build(cfg)
    gc.freeze()  # collecting garbage would copy all that Python has imported
    context = multiprocessing.get_context('fork')
    near, far = context.Pipe(duplex=False)
    child = context.Process(target=_read_all, args=(dataset, far))
    child.start()
    far.close()  # so that a reader that dies ends the waiting
    growth, shown = near.recv()
    child.join()
    return dataset.data_bytes.nbytes / 1024, growth, shown


def test_forked_readers_copy_next_to_nothing(tmp_path):
    """Items live in one array, which a worker reads without touching its pages."""
    vis_set = make_vis_dataset(tmp_path, lengths=(2,) * 10, size=(600, 300), objects=0)
    checkers = np.indices((600, 300)).sum(0) % 2 == 0
    track = make_annotation(np.repeat(checkers[None], 2, 0), category_id=1)
    vis_set.content['annotations'] = [
        track | dict(id=n, video_id=1 + n % 10) for n in range(1, 41)
    ]
    vis_set.write()
    [answer] = run_apart(_size_and_growth, vis_set.dataset_cfg(), folder=tmp_path)
    size, growth, shown = answer
    assert size > 10_000
    assert shown == 80
    assert growth < 0.5 * size


READ_NAMES = """
import sys
from mmvis.structures import read_annotation_file
print([v['file_names'] for v in read_annotation_file(sys.argv[1]).videos])
"""
LOAD_FRAMES = """
import sys
from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.transforms import LoadVISFrame
data = YouTubeVISDataset(ann_file=sys.argv[1], data_prefix=dict(img_path=sys.argv[2]),
    pipeline=[], test_mode=True)
image = data.get_data_info(0)['images'][0]
print(LoadVISFrame().transform(image)['img'].shape)
"""


@pytest.mark.parametrize(
    ('program', 'shown'),
    [
        (READ_NAMES, '犬 写真.png'),
        # With torch and mmdet it takes twenty times as long.
        pytest.param(LOAD_FRAMES, '(48, 64, 3)', marks=pytest.mark.full),
    ],
    ids=['names', 'frames'],
)
def test_names_of_any_script_under_any_locale(tmp_path, program, shown):
    vis_set = make_vis_dataset(tmp_path, lengths=(1,))
    name = 'été/犬 写真.png'
    (tmp_path / 'JPEGImages' / 'été').mkdir()
    old = tmp_path / 'JPEGImages' / vis_set.content['videos'][0]['file_names'][0]
    old.rename(tmp_path / 'JPEGImages' / name)
    vis_set.content['videos'][0]['file_names'] = [name]
    vis_set.write()
    words = [sys.executable, '-c', program, vis_set.ann_file, tmp_path / 'JPEGImages']
    # The last two keep Python from turning LC_ALL=C into UTF-8 by itself.
    environment = dict(os.environ, LC_ALL='C', PYTHONUTF8='0', PYTHONCOERCECLOCALE='0')
    environment['PYTHONIOENCODING'] = 'utf-8'
    result = run_bounded(words, env=environment, encoding='utf-8')
    assert result.returncode == 0, result.stderr
    assert shown in result.stdout
