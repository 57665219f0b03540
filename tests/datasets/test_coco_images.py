"""COCO images as one-frame videos, measured against COCO's own evaluation."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools import mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmvis.datasets.coco_images import coco_images_to_videos
from mmvis.evaluation.evaluate_results import evaluate_results

H, W = 72, 96
# Where COCOeval keeps them.
COCO_STATS = dict(AP=0, AP50=1, AP75=2, AP_s=3, AP_m=4, AR1=6, AR10=7, AR100=8)


def box_mask(rng):
    mask = np.zeros((H, W), np.uint8, order='F')
    y, x = rng.integers(0, H - 8), rng.integers(0, W - 8)
    mask[y : y + rng.integers(4, 60), x : x + rng.integers(4, 80)] = 1
    rle = mask_util.encode(mask)
    rle['counts'] = rle['counts'].decode()
    return rle


@pytest.fixture
def coco_file(tmp_path):
    rng = np.random.default_rng(0)
    images = [
        dict(id=i * 7, file_name=f'{i}.jpg', height=H, width=W) for i in range(12)
    ]
    annotations = []
    for i in range(60):
        rle = box_mask(rng)
        annotations.append(
            dict(
                id=i + 1,
                image_id=int(rng.integers(12)) * 7,
                category_id=int(rng.choice([3, 5, 90])),
                iscrowd=0,
                segmentation=rle,
                bbox=mask_util.toBbox(rle).tolist(),
                area=float(mask_util.area(rle)),
            )
        )
    categories = [dict(id=i, name=f'c{i}') for i in (3, 5, 90)]
    path = tmp_path / 'coco.json'
    path.write_text(
        json.dumps(
            dict(
                info={},
                images=images,
                annotations=annotations,
                categories=categories,
            )
        )
    )
    return path


def test_the_metric_is_cocos(coco_file, tmp_path):
    written = coco_images_to_videos(coco_file, tmp_path / 'videos.json')
    rng = np.random.default_rng(1)
    detections = []
    for annotation in written['annotations'] * 2:
        rle = dict(annotation['segmentations'][0])
        if rng.random() < 0.5:
            rle = box_mask(rng)
        detections.append(
            dict(
                image_id=annotation['video_id'],
                category_id=annotation['category_id'],
                score=float(rng.random()),
                segmentation=rle,
            )
        )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(coco_file))
        theirs = COCOeval(coco, coco.loadRes(detections), 'segm')
        theirs.evaluate()
        theirs.accumulate()
        theirs.summarize()
    ours = evaluate_results(
        [
            dict(
                video_id=d['image_id'],
                category_id=d['category_id'],
                score=d['score'],
                segmentations=[d['segmentation']],
            )
            for d in detections
        ],
        tmp_path / 'videos.json',
        area_ranges=dict(s=(0, 32**2), m=(32**2, 96**2)),
    )
    for name, index in COCO_STATS.items():
        assert ours[name] == pytest.approx(theirs.stats[index], abs=1e-12), name
    assert 0.1 < ours['AP'] < 0.9


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / 'captions.json'
    path.write_text('{"images": []}')
    with pytest.raises(ValueError, match=r"captions.json has no list 'annotations'"):
        coco_images_to_videos(path, tmp_path / 'out.json')
