import json

import cv2
import numpy as np
import pytest
import torch
from data_factory import make_vis_dataset
from mmdet.datasets import CocoDataset
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from model_factory import tiny_config, tiny_model
from processes import run_apart
from pycocotools import mask as mask_utils
from torch.utils.data import DataLoader

from mmvis.datasets.class_names import YTVIS_2019_CLASSES, YTVIS_2021_CLASSES
from mmvis.datasets.coco_overlap import COCO_TO_YTVIS_2019, COCO_TO_YTVIS_2021
from mmvis.datasets.coco_pseudo_video import CocoPseudoVideoDataset
from mmvis.registry import DATA_SAMPLERS, DATASETS

SIZE = (40, 56)
# Not COCO's order, so that a label by position in the file shows.
CATEGORIES = {44: 'bottle', 3: 'car', 1: 'person', 18: 'dog', 16: 'bird', 74: 'mouse'}

PIPELINE = [
    dict(type='BaseFrameSample'),
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadVISFrame'), dict(type='LoadVISAnnotations')],
    ),
    dict(type='PseudoClip'),
    dict(type='ClipRandomCrop'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='Resize', scale=(64, 48)),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackVISInputs'),
]


def rectangle(x, y, w, h):
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def annotation(number, image, category, box, **extra):
    return (
        dict(
            id=number,
            image_id=image,
            category_id=category,
            bbox=list(box),
            area=box[2] * box[3],
            iscrowd=0,
            segmentation=rectangle(*box),
        )
        | extra
    )


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmvis')


@pytest.fixture
def coco(tmp_path):
    """Image 7: dog, bottle, car. 8: bottle only. 9: bird, mouse. 10: crowd only."""
    (tmp_path / 'images').mkdir()
    rng = np.random.default_rng(0)
    images = []
    for number in (7, 8, 9, 10):
        name = f'{number:012d}.png'
        cv2.imwrite(
            str(tmp_path / 'images' / name), rng.integers(0, 255, (*SIZE, 3), np.uint8)
        )
        images.append(dict(id=number, file_name=name, height=SIZE[0], width=SIZE[1]))
    crowd = np.zeros(SIZE, np.uint8, order='F')
    crowd[5:30, 5:30] = 1
    runs = np.flatnonzero(np.diff(np.r_[0, crowd.ravel('F'), 0]))
    counts = np.diff(np.r_[0, runs, crowd.size]).tolist()
    content = dict(
        images=images,
        categories=[dict(id=i, name=n) for i, n in CATEGORIES.items()],
        annotations=[
            annotation(1, 7, 18, (4, 4, 20, 16)),
            annotation(2, 7, 44, (30, 4, 10, 10)),
            annotation(3, 7, 3, (26, 20, 24, 16)),
            annotation(4, 8, 44, (4, 4, 20, 16)),
            annotation(5, 9, 16, (4, 4, 20, 16)),
            annotation(6, 9, 74, (30, 20, 10, 10)),
            annotation(
                900100000010,
                10,
                1,
                (5, 5, 25, 25),
                iscrowd=1,
                segmentation=dict(size=list(SIZE), counts=counts),
            ),
        ],
    )
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    return tmp_path


def build(root, **kwargs):
    config = dict(
        type='CocoPseudoVideoDataset',
        data_root=str(root),
        ann_file='coco.json',
        data_prefix=dict(img='images'),
        pipeline=[],
    )
    return DATASETS.build(config | kwargs)


def test_images_of_the_least_size_take_part(coco):
    assert len(build(coco, min_size=SIZE[0], serialize_data=False)) == 1
    assert len(build(coco, min_size=SIZE[0] + 1, serialize_data=False)) == 0


def test_labels_are_indices_of_the_target_list(coco):
    dataset = build(coco)
    assert dataset.metainfo['classes'] == YTVIS_2019_CLASSES
    assert len(dataset) == 1  # the other images have no target of a shared category
    video = dataset.get_data_info(0)
    assert dataset.get_len_per_video(0) == video['video_length'] == 1
    (frame,) = video['images']
    names = [YTVIS_2019_CLASSES[i['bbox_label']] for i in frame['instances']]
    assert names == ['dog', 'sedan']
    assert [i['bbox'] for i in frame['instances']] == [[4, 4, 24, 20], [26, 20, 50, 36]]
    assert (frame['frame_id'], frame['img_id'], frame['video_id']) == (0, 7, 7)
    assert len({i['instance_id'] for i in frame['instances']}) == 2

    dataset = build(coco, overlap='ytvis_2021')
    assert [dataset.get_data_info(i)['video_id'] for i in range(2)] == [7, 9]
    names = [
        [YTVIS_2021_CLASSES[i['bbox_label']] for i in v['images'][0]['instances']]
        for v in map(dataset.get_data_info, range(2))
    ]
    # The computer mouse of image 9 is not the animal.
    assert names == [['dog', 'car'], ['bird']]


def test_own_mapping_merges_categories_and_matches_spelling(coco):
    dataset = build(
        coco,
        overlap={'bottle': 'Some_Thing', 'dog': 'some thing', 'person': 'human'},
        metainfo=dict(classes=('human', 'some_thing')),
    )
    assert len(dataset) == 2
    labels = [
        i['bbox_label'] for i in dataset.get_data_info(0)['images'][0]['instances']
    ]
    assert labels == [1, 1]


@pytest.mark.parametrize('index', [0, (0, 0)])
def test_a_clip_comes_out_of_the_pipeline(coco, index):
    dataset = build(coco, pipeline=PIPELINE)
    np.random.seed(0)
    data = dataset[index]
    sample = data['data_samples']
    assert data['inputs'].shape[:2] == (2, 3)
    (key,), (reference,) = sample.get_key_frames(), sample.get_ref_frames()
    assert len(key.gt_instances) >= 1
    shared = np.intersect1d(
        key.gt_instances.instances_ids, reference.gt_instances.instances_ids
    )
    label_of = dict(
        zip(
            key.gt_instances.instances_ids.tolist(),
            key.gt_instances.labels.tolist(),
            strict=True,
        )
    )
    for i in shared.tolist():
        row = reference.gt_instances.instances_ids.tolist().index(i)
        assert reference.gt_instances.labels[row] == label_of[i]


def test_crowd_is_ignored_and_its_mask_is_read(coco):
    reader = CocoPseudoVideoDataset(
        data_root=str(coco),
        ann_file='coco.json',
        data_prefix=dict(img='images'),
        pipeline=PIPELINE[:2],
        serialize_data=False,
        lazy_init=True,
    )
    videos = {v['video_id']: v for v in reader.load_data_list()}
    results = reader.pipeline(videos[10])
    assert results['gt_ignore_flags'][0].tolist() == [True]
    expected = np.zeros(SIZE, np.uint8)
    expected[5:30, 5:30] = 1
    np.testing.assert_array_equal(results['gt_masks'][0].masks[0], expected)


def test_polygons_are_rasterised_as_pycocotools_does(coco):
    dataset = build(coco, pipeline=PIPELINE[:2])
    results = dataset[0]
    expected = mask_utils.decode(
        mask_utils.merge(mask_utils.frPyObjects(rectangle(4, 4, 20, 16), *SIZE))
    )
    np.testing.assert_array_equal(results['gt_masks'][0].masks[0], expected)


def _read_in_worker(_, coco) -> list[np.ndarray]:
    init_default_scope('mmvis')
    loader = DataLoader(
        build(coco, pipeline=PIPELINE, overlap='ytvis_2021'),
        num_workers=1,
        collate_fn=list,
        worker_init_fn=np.random.seed,
    )
    return [data[0]['inputs'].numpy() for data in loader]


def test_seeded_workers_repeat_themselves(coco, tmp_path):
    [first] = run_apart(_read_in_worker, coco, folder=tmp_path)
    [second] = run_apart(_read_in_worker, coco, folder=tmp_path)
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_joint_training_with_a_video_set(coco, tmp_path):
    """One loader, one sampler, one model: videos and pseudo clips in one batch."""
    (tmp_path / 'videos').mkdir()
    videos = make_vis_dataset(
        tmp_path / 'videos', lengths=(3, 1), categories=((4, 'thing'), (9, 'animal'))
    )
    metainfo = dict(classes=('animal', 'thing'))
    pipeline = [dict(type='RefFrameSample'), PIPELINE[1], *PIPELINE[3:]]
    dataset = DATASETS.build(
        dict(
            type='VISConcatDataset',
            datasets=[
                videos.dataset_cfg(metainfo=metainfo, pipeline=pipeline),
                build(
                    coco,
                    overlap={'dog': 'animal', 'car': 'thing'},
                    metainfo=metainfo,
                    pipeline=PIPELINE,
                ),
            ],
        )
    )
    sampler = DATA_SAMPLERS.build(
        dict(type='KeyFrameSampler', seed=0), default_args=dict(dataset=dataset)
    )
    np.random.seed(0)
    batch = pseudo_collate([dataset[index] for index in sampler])
    # Frames with objects are key frames: 3 and 1 of the videos, 1 of the COCO image.
    assert len(batch['inputs']) == 5
    assert {s[0].video_id for s in batch['data_samples']} == {1, 2, 7}
    model = tiny_model(num_classes(2))
    model.train()
    losses = model.loss(**model.data_preprocessor(batch, training=True))
    total, _ = model.parse_losses(losses)
    assert torch.isfinite(total)
    total.backward()


def num_classes(number):
    cfg = tiny_config()
    for head in ('bbox_head', 'mask_head'):
        cfg.model.detector.roi_head[head].num_classes = number
    return cfg


@pytest.mark.parametrize(
    ('overlap', 'classes', 'number'),
    [
        (COCO_TO_YTVIS_2019, YTVIS_2019_CLASSES, 19),
        (COCO_TO_YTVIS_2021, YTVIS_2021_CLASSES, 21),
    ],
)
def test_overlap_tables(overlap, classes, number):
    assert set(overlap) <= set(CocoDataset.METAINFO['classes'])
    assert set(overlap.values()) <= set(classes)
    assert len(set(overlap.values())) == len(overlap) == number
    assert 'mouse' not in overlap
    # Every category that both lists spell alike is there, but for the two mice.
    alike = {name.replace(' ', '_') for name in CocoDataset.METAINFO['classes']}
    assert (alike & set(classes)) - {'mouse'} <= set(overlap.values())


def test_user_errors_say_what_to_do(coco):
    with pytest.raises(ValueError, match='ytvis_2019'):
        build(coco, overlap='ytvis')
    with pytest.raises(ValueError, match=r'maps to cat, which metainfo'):
        build(coco, overlap={'cat': 'cat'}, metainfo=dict(classes=('dog',)))
    with pytest.raises(ValueError, match='none of the categories zebra'):
        build(coco, overlap={'zebra': 'zebra'}, metainfo=dict(classes=('zebra',)))
    with pytest.raises(ValueError, match='training only'):
        build(coco, test_mode=True)
    (coco / 'images' / '000000000007.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'video 7.*000000000007\.png'):
        build(coco, pipeline=PIPELINE)[0]
