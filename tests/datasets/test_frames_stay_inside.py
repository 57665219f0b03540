"""Whatever reads frames by the names of a json reads none outside of their folder."""

import json
import shutil

import pytest
from data_factory import make_vis_dataset

from mmvis.datasets import CocoPseudoVideoDataset, YouTubeVISDataset
from mmvis.datasets.validation import check_annotation_file, check_frames
from mmvis.structures import read_annotation_file
from mmvis.visualization.render import render_results


def open_set(vis_set):
    cfg = vis_set.dataset_cfg(pipeline=[])
    cfg.pop('type')
    return YouTubeVISDataset(**cfg)


def open_coco(vis_set):
    image = dict(height=48, width=64, id=1)
    image['file_name'] = vis_set.content['videos'][0]['file_names'][1]
    polygon = [[5, 5, 40, 5, 40, 40]]
    car = dict(id=1, image_id=1, category_id=3, iscrowd=0, segmentation=polygon)
    car |= dict(bbox=[5, 5, 35, 35], area=600)
    categories = [dict(id=3, name='car')]
    content = dict(images=[image], annotations=[car], categories=categories)
    path = vis_set.root / 'coco.json'
    path.write_text(json.dumps(content))
    prefix = str(vis_set.root / vis_set.prefix)
    CocoPseudoVideoDataset(
        ann_file=str(path), data_prefix=dict(img=prefix), pipeline=[]
    )


def draw(vis_set):
    folder = str(vis_set.root / vis_set.prefix)
    render_results(str(vis_set.ann_file), folder, str(vis_set.root / 'seen'))


@pytest.fixture
def vis_set(tmp_path):
    root = tmp_path / 'data'
    root.mkdir()
    return make_vis_dataset(root, lengths=(2,))


def lead_out(vis_set, way):
    """Let the second frame lie beside the data."""
    name = vis_set.content['videos'][0]['file_names'][1]
    inside = vis_set.root / vis_set.prefix / name
    outside = vis_set.root.parent / 'outside.png'
    shutil.copy(inside, outside)
    if way == 'link':
        inside.unlink()
        inside.symlink_to(outside)
        return
    name = '../../outside.png' if way == 'dots' else str(outside)
    vis_set.content['videos'][0]['file_names'][1] = name
    vis_set.write()


@pytest.mark.parametrize('way', ['link', 'dots', 'absolute'])
@pytest.mark.parametrize('read', [open_set, open_coco, draw])
def test_readers_refuse(vis_set, way, read, monkeypatch):
    read(vis_set)
    lead_out(vis_set, way)
    name = vis_set.content['videos'][0]['file_names'][1]
    place = 'image 1: ' if read is open_coco else '[Vv]ideo 1, frame 1: '
    with pytest.raises(ValueError, match=f"{place}.*'{name}'.* out of the folder"):
        read(vis_set)
    monkeypatch.setenv('MMVIS_FOLLOW_LINKS', '1')
    if way == 'link':
        read(vis_set)
    else:
        with pytest.raises(ValueError, match='out of the folder'):
            read(vis_set)


@pytest.mark.parametrize('way', ['link', 'dots'])
def test_the_validator_tells_and_does_not_read(vis_set, way):
    lead_out(vis_set, way)
    (vis_set.root.parent / 'outside.png').write_bytes(b'no image')
    videos, findings = check_annotation_file(str(vis_set.ann_file))
    findings = list(findings)
    for found in check_frames(videos, str(vis_set.root / vis_set.prefix), 1):
        findings += found
    (unsafe,) = [finding for finding in findings if finding.is_broken]
    assert (unsafe.code, unsafe.video, unsafe.frame) == ('UNSAFE_PATH', 1, 1)


def test_ids_of_videos_make_no_folders(vis_set):
    vis_set.content['videos'][0]['id'] = '../../up'
    for annotation in vis_set.content['annotations']:
        annotation['video_id'] = '../../up'
    vis_set.write()
    assert read_annotation_file(str(vis_set.ann_file)).videos[0]['id'] == '../../up'
    before = set(vis_set.root.parent.rglob('*'))
    draw(vis_set)
    new = set(vis_set.root.parent.rglob('*')) - before
    seen = vis_set.root / 'seen'
    assert new == {seen, seen / '.._.._up_video_1.mp4', seen / 'contact_sheet.png'}
