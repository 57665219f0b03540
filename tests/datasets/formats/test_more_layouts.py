"""Sets and tools in the other layouts that they publish, and the other shapes."""

import json

import cv2
import numpy as np
import pytest
import set_layouts as sets
import tool_layouts as tools
from data_factory import make_annotation, string_rle
from pycocotools import mask as mask_utils
from scenes import HEIGHT, LENGTH, WIDTH, blobs, boxes, expected, found_in, tight_box

from mmvis.datasets.formats import Options, import_annotations, recognised
from mmvis.datasets.formats.label_studio import brush_alpha
from mmvis.structures import read_annotation_file


def records(lists: bool, category_ids: dict[str, int], **more) -> list[dict]:
    return [
        make_annotation(
            masks, lists, id=n, video_id=1, category_id=category_ids[c], iscrowd=0
        )
        | more
        for n, (c, masks) in enumerate(blobs().objects.values(), 1)
    ]


def ovis(root):
    """Compressed masks, an occlusion a frame, frames in a folder of the split."""
    names = [f'img_{n + 1:07d}.jpg' for n in range(LENGTH)]
    blobs().write_frames(root / 'train/2592a6ff', names)
    about = dict(id=1, height=HEIGHT, width=WIDTH, length=LENGTH)
    about['file_names'] = [f'2592a6ff/{name}' for name in names]
    occlusion = ['no_occlusion', 'slight_occlusion', 'severe_occlusion', None]
    content = dict(
        info=dict(description='OVIS'),
        licenses=[],
        videos=[about | dict(license=1, flickr_url='', coco_url='')],
        categories=[dict(id=3, name='dog'), dict(id=8, name='cat')],
        annotations=records(False, {'dog': 3, 'cat': 8}, occlusion=occlusion),
    )
    (root / 'annotations_train.json').write_text(json.dumps(content))
    return root / 'annotations_train.json', root / 'train'


def uvo(root):
    """Frames called by their number alone, from 0; the dense set has more than ten."""
    names = [f'{n}.png' for n in (0, 9, 10, 11)]
    blobs().write_frames(root / 'uvo_videos_dense_frames/abc_-1', names)
    about = dict(id=1, height=HEIGHT, width=WIDTH, length=LENGTH, ytid='abc_-1')
    about['file_names'] = [f'abc_-1/{name}' for name in names]
    content = dict(
        videos=[about],
        categories=[dict(id=1, name='object', supercategory='object')],
        annotations=records(False, {'dog': 1, 'cat': 1}),
    )
    folder = root / 'VideoDenseSet'
    folder.mkdir()
    (folder / 'UVO_video_train_dense.json').write_text(json.dumps(content))
    path = folder / 'UVO_video_train_dense.json'
    return path, root / 'uvo_videos_dense_frames'


def lv_vis(root):
    """YouTube-VIS 2019's form with 1,196 categories; splits count from 00000 alike."""
    for split in ('train', 'val'):
        blobs().write_frames(root / f'JPEGImages/{split}/00000', sets.FRAMES)
    about = dict(id=1, height=HEIGHT, width=WIDTH, length=LENGTH)
    about['file_names'] = [f'00000/{name}' for name in sets.FRAMES]
    names = [f'thing {n}' for n in range(1, 1197)]
    names[6], names[1195] = 'dog', 'cat'
    content = dict(
        videos=[about],
        categories=[dict(id=n, name=name) for n, name in enumerate(names, 1)],
        annotations=records(True, {'dog': 7, 'cat': 1196}),
    )
    (root / 'Annotations').mkdir()
    (root / 'Annotations/val_instances.json').write_text(json.dumps(content))
    return root / 'Annotations/val_instances.json', root / 'JPEGImages/val'


@pytest.mark.parametrize('make', [ovis, uvo, lv_vis])
def test_sets_of_the_youtube_vis_form(make, tmp_path):
    source, frames = make(tmp_path)
    assert recognised(source)[0].name == 'youtube-vis'
    out = tmp_path / 'made/out.json'
    content, notes = import_annotations(source, out)
    told = notes[-1].removeprefix('file_names are relative to ').strip("'.")
    if make is lv_vis:  # the names are those of two folders
        assert 'are in several folders' in ' '.join(notes)
    else:
        assert told == str(frames)
    _, notes = import_annotations(source, out, frames=frames)
    assert str(frames) in notes[-1] and len(notes) == 2
    found, wanted = found_in(out), expected(blobs())
    if make is uvo:
        wanted = sorted(('object', crowd, pixels) for _, crowd, pixels in wanted)
    assert found == wanted
    names = content['videos'][0]['file_names']
    assert all((frames / name).is_file() for name in names) and len(names) == LENGTH
    assert len(content['categories']) == {ovis: 2, uvo: 1, lv_vis: 1196}[make]


def in_order(name: str, root) -> list[np.ndarray]:
    """Masks (frames, h, w) of the objects of a file, in its order."""
    content = read_annotation_file(str(root))
    assert all(a['length'] == LENGTH for a in content.annotations), name
    return [
        np.stack(
            [
                mask_utils.decode(rle).astype(bool)
                if rle
                else np.zeros((HEIGHT, WIDTH), bool)
                for rle in annotation['segmentations']
            ]
        )
        for annotation in content.annotations
    ]


def figure(number: int, kind: str, mask: np.ndarray) -> dict:
    """A box of Supervisely, whose corners are pixels, or a polygon of pixels' edges."""
    x0, y0, x1, y1 = (int(n) for n in tight_box(mask))
    if kind == 'rectangle':
        points = dict(exterior=[[x0, y0], [x1 - 1, y1 - 1]], interior=[])
    else:
        edge = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        hole = [[x0 + 1, y0 + 1], [x0 + 3, y0 + 1], [x0 + 3, y0 + 4], [x0 + 1, y0 + 4]]
        points = dict(exterior=edge, interior=[hole])
    return dict(
        key=f'f{number}',
        objectKey=f'k{number}',
        geometryType=kind,
        geometry=dict(points=points),
        nnCreated=False,
        nnUpdated=False,
    )


@pytest.mark.parametrize('kind', ['rectangle', 'polygon'])
def test_a_project_of_supervisely_with_its_clip(kind, tmp_path):
    scene, root = boxes(), tmp_path / 'project'
    for folder in ('ann', 'video'):
        (root / 'ds' / folder).mkdir(parents=True)
    writer = cv2.VideoWriter(
        str(root / 'ds/video/walk.mp4'),
        cv2.VideoWriter_fourcc(*'mp4v'),
        5,
        (WIDTH, HEIGHT),
    )
    for number in range(LENGTH):
        writer.write(np.full((HEIGHT, WIDTH, 3), 60 * number, np.uint8))
    writer.release()
    classes = [dict(title=t, shape='any', color='#8A480F') for t in ('cat', 'dog')]
    meta = dict(classes=classes, tags=[], projectType='videos')
    (root / 'meta.json').write_text(json.dumps(meta))
    drawn = list(scene.objects.values())
    content = dict(
        size=dict(height=HEIGHT, width=WIDTH),
        description='',
        key='a',
        tags=[],
        objects=[
            dict(key=f'k{n}', classTitle=category, tags=[])
            for n, (category, _) in enumerate(drawn)
        ],
        frames=[
            dict(
                index=frame,
                figures=[
                    figure(n, kind, masks[frame]) for n, (_, masks) in enumerate(drawn)
                ],
            )
            for frame in range(LENGTH)
        ],
        framesCount=LENGTH,
    )
    (root / 'ds/ann/walk.mp4.json').write_text(json.dumps(content))
    out = tmp_path / 'made/out.json'
    _, notes = import_annotations(root, out)
    assert any('4 frames of' in note for note in notes)
    assert (tmp_path / 'made/frames/walk/00003.jpg').is_file()
    for found, (_, masks) in zip(in_order(kind, out), drawn, strict=True):
        wanted = masks.copy()
        if kind == 'polygon':
            for frame in range(LENGTH):
                x0, y0, *_ = tight_box(masks[frame])
                wanted[frame, y0 + 1 : y0 + 4, x0 + 1 : x0 + 3] = False
        assert (found == wanted).all()


@pytest.mark.parametrize('kind', ['polygon', 'bbox'])
def test_shapes_of_datumaro(kind, tmp_path):
    """The keys are those that Datumaro 1.13 writes."""
    root = tools.datumaro(tmp_path)
    path = root / 'annotations/default.json'
    content = json.loads(path.read_text())
    content |= dict(dm_format_version='1.0', media_type=2, infos={})
    for frame, item in enumerate(content['items']):
        item['annotations'] = []
        for number, (category, masks) in enumerate(boxes().objects.values()):
            x0, y0, x1, y1 = (float(n) for n in tight_box(masks[frame]))
            shape = dict(bbox=[x0, y0, x1 - x0, y1 - y0])
            if kind == 'polygon':
                shape = dict(points=[x0, y0, x1, y0, x1, y1, x0, y1])
            about = dict(id=0, type=kind, attributes=dict(track_id=number), group=0)
            about |= dict(label_id=('cat', 'dog').index(category), z_order=0)
            item['annotations'].append(about | shape)
    path.write_text(json.dumps(content))
    import_annotations(root, tmp_path / 'out.json')
    assert found_in(tmp_path / 'out.json') == expected(boxes())


def test_shapes_of_label_studio(tmp_path):
    """Boxes, polygons and ellipses in percent; a text a region says who it is."""
    scene = boxes()
    scene.write_frames(tmp_path / 'walk', tools.FRAMES)
    tasks = []
    for frame, image in enumerate(tools.FRAMES):
        results = []
        for number, (category, masks) in enumerate(scene.objects.values()):
            x0, y0, x1, y1 = tight_box(masks[frame])
            corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
            points = (corners * 100 / (WIDTH, HEIGHT)).tolist()
            (x, y), _, (right, bottom), _ = points
            kind = ('rectangle', 'polygon', 'ellipse')[number]
            value = {
                'rectangle': dict(
                    x=x, y=y, width=right - x, height=bottom - y, rotation=0
                ),
                'polygon': dict(points=points, closed=True),
                'ellipse': dict(
                    x=(x + right) / 2,
                    y=(y + bottom) / 2,
                    radiusX=(right - x) / 2,
                    radiusY=(bottom - y) / 2,
                    rotation=0,
                ),
            }[kind]
            region = f'{frame}-{number}'
            value[f'{kind}labels'] = [category]
            about = dict(original_height=HEIGHT, original_width=WIDTH, id=region)
            results.append(about | dict(type=f'{kind}labels', value=value))
            told = dict(text=[f'no {number}'])
            result = dict(id=region, type='textarea', from_name='instance', value=told)
            results.append(result)
        data = dict(image=f's3://bucket/walk/{image}')
        tasks.append(dict(id=frame, data=data, annotations=[dict(result=results)]))
    (tmp_path / 'export.json').write_text(json.dumps(tasks))
    import_annotations(tmp_path / 'export.json', tmp_path / 'out.json')
    found = in_order('shapes', tmp_path / 'out.json')
    drawn = [masks for _, masks in scene.objects.values()]
    assert (found[0] == drawn[0]).all() and (found[1] == drawn[1]).all()
    # The ellipse has pi/4 of its box, is symmetric and touches all of its sides.
    assert (found[2] <= drawn[2]).all()
    for mask, box in zip(found[2], drawn[2], strict=True):
        assert tight_box(mask) == tight_box(box)
        assert abs(mask.sum() / box.sum() - np.pi / 4) < 0.06


def test_a_brush_of_label_studios_own_encoder():
    """What its package (converter 0.0.59, and SDK 2.1.2) makes of these pixels."""
    data = [0, 0, 0, 140, 57, 27, 254, 35, 0, 183, 255, 124, 2, 63, 248, 192, 35, 255]
    data += [190, 1, 111, 255, 15, 128, 71, 254]
    mask = np.zeros((5, 7), bool)
    mask[1:4, 2:5] = mask[4, 6] = True
    mask[2, 3] = False
    assert ((brush_alpha(data, 5, 7, 'task 1') > 0) == mask).all()
    with pytest.raises(ValueError, match='task 1: a brush ends before its last pixel'):
        brush_alpha(data[:-3], 5, 7, 'task 1')
    with pytest.raises(ValueError, match='not those of 8x5'):
        brush_alpha(data, 5, 8, 'task 1')


def test_bdd100k_as_run_lengths(tmp_path):
    """A json a video, of frames with labels; crowds and ignored ones are crowds."""
    scene = blobs(sets.MOTS)
    names = [f'b1-{n + 1:07d}.jpg' for n in range(LENGTH)]
    scene.write_frames(tmp_path / 'images/seg_track_20/train/b1', names)
    frames = []
    for index, name in enumerate(names):
        labels = []
        for n, (category, masks) in enumerate(scene.objects.values()):
            if masks[index].any():
                rle = dict(size=[HEIGHT, WIDTH], counts=string_rle(masks[index]))
                about = dict(crowd=False, ignored=False, occluded=bool(n))
                labels.append(
                    dict(id=f'0000{n}', category=category, attributes=about, rle=rle)
                )
        counts = string_rle(sets.ignored(index))
        region = dict(size=[HEIGHT, WIDTH], counts=counts)
        for category, about in (
            ('car', dict(crowd=True)),
            ('other vehicle', dict(crowd=False)),
        ):
            labels.append(
                dict(id=f'{category}', category=category, attributes=about, rle=region)
            )
        frames.append(dict(name=name, videoName='b1', frameIndex=index, labels=labels))
    folder = tmp_path / 'labels/seg_track_20/rles/train'
    folder.mkdir(parents=True)
    (folder / 'b1.json').write_text(json.dumps(frames[::-1]))
    frames = tmp_path / 'images/seg_track_20/train'
    assert recognised(folder)[0].name == 'bdd100k'
    _, notes = import_annotations(folder, tmp_path / 'out.json', frames=frames)
    assert any('4 other vehicle' in note for note in notes)
    region = np.stack([sets.ignored(n) for n in range(LENGTH)])
    wanted = [*expected(scene), ('car', 1, region.tobytes())]
    assert found_in(tmp_path / 'out.json') == sorted(wanted)
    _, notes = import_annotations(
        folder / 'b1.json', tmp_path / 'out.json', frames=frames, options=Options()
    )
    assert found_in(tmp_path / 'out.json') == sorted(wanted)
