"""Files as labelling tools export them, written by hand from their documentation."""

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
from data_factory import list_rle, string_rle
from PIL import Image
from scenes import HEIGHT, LENGTH, WIDTH, Scene, blobs, boxes, tight_box

FRAMES = [f'{n:05d}.jpg' for n in range(LENGTH)]
CVAT_FRAMES = [f'frame_{n:06d}.png' for n in range(LENGTH)]


def png(image: np.ndarray, compressed: bool = False) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'PNG')
    data = file.getvalue()
    return base64.b64encode(zlib.compress(data) if compressed else data).decode()


def rows_rle(pixels: np.ndarray) -> list[int]:
    return list_rle(pixels.T)


def labelme(root: Path, scene: Scene | None = None, **changes) -> Path:
    """A mask a shape; labels and groups tell objects apart."""
    scene = scene or blobs()
    scene.write_frames(root / 'walk', FRAMES)
    for frame, image in enumerate(FRAMES):
        shapes = []
        for number, (category, masks) in enumerate(scene.objects.values()):
            if not masks[frame].any():
                continue
            x0, y0, x1, y1 = (int(n) for n in tight_box(masks[frame]))
            pixels = masks[frame, y0:y1, x0:x1].astype(np.uint8)
            shapes.append(
                dict(
                    label=category,
                    points=[[float(x0), float(y0)], [x1 - 1.0, y1 - 1.0]],
                    group_id=number,
                    description='',
                    shape_type='mask',
                    flags={},
                    mask=png(pixels),
                )
            )
        write_labelme(root / 'walk' / image, shapes, **changes)
    return root


def write_labelme(image: Path, shapes: list[dict], **changes) -> None:
    record = dict(
        version='5.5.0',
        flags={},
        shapes=shapes,
        imagePath=image.name,
        imageData=None,
        imageHeight=HEIGHT,
        imageWidth=WIDTH,
    )
    image.with_suffix('.json').write_text(json.dumps(record | changes))


def labelme_shapes(root: Path, kind: str = 'polygon', suffix: bool = True) -> Path:
    """Boxes as polygons or rectangles; labels are numbered, or unique."""
    scene = boxes()
    scene.write_frames(root, FRAMES)
    for frame, image in enumerate(FRAMES):
        shapes = []
        for number, (category, masks) in enumerate(scene.objects.values()):
            x0, y0, x1, y1 = (float(n) for n in tight_box(masks[frame]))
            points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
            if kind == 'rectangle':
                points = [[x1, y0], [x0, y1]]  # drawn from another corner
            label = f'{category}_{number}' if suffix else category
            shapes.append(
                dict(label=label, points=points, group_id=None, shape_type=kind)
            )
        shapes.append(dict(label='dog_0', points=[[1, 2]], shape_type='point'))
        write_labelme(root / image, shapes)
    return root


def cvat_video(
    root: Path, kind: str = 'mask', step: int = 1, every: int = 1, size: bool = True
) -> Path:
    """Tracks; every so many frames a key frame, for CVAT to go between."""
    scene = blobs() if kind == 'mask' else boxes()
    scene.write_frames(root / 'images', CVAT_FRAMES)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<annotations><version>1.1</version><meta><task><id>7</id><name>walk</name>',
        f'<size>{LENGTH}</size><mode>interpolation</mode>' if size else '',
        f'<start_frame>{10 if step > 1 else 0}</start_frame>',
        f'<frame_filter>step={step}</frame_filter>' if step > 1 else '',
        '<labels><label><name>dog</name></label><label><name>cat</name></label></labels>',
        f'<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>',
        '</task></meta>',
    ]
    for number, (category, masks) in enumerate(scene.objects.values()):
        lines.append(f'<track id="{number}" label="{category}" source="manual">')
        shown = False
        for frame in range(LENGTH):
            if kind != 'mask' and frame % every and frame < LENGTH - 1:
                continue
            shape = cvat_shape(kind, masks[frame])
            if shape is None and not shown:
                continue
            outside = int(shape is None)
            shape = shape or cvat_shape(kind, masks[frame - 1])
            at = (10 + step * frame) if step > 1 else frame
            lines.append(
                shape.format(
                    f'frame="{at}" outside="{outside}" occluded="0" keyframe="1" '
                )
            )
            shown = not outside
        lines.append('</track>')
    lines.append('</annotations>')
    (root / 'annotations.xml').write_text('\n'.join(lines))
    return root


def cvat_shape(kind: str, mask: np.ndarray) -> str | None:
    """An element with a place for more attributes; None for an empty mask."""
    if not mask.any():
        return None
    x0, y0, x1, y1 = tight_box(mask)
    if kind == 'mask':
        runs = ', '.join(str(n) for n in rows_rle(mask[y0:y1, x0:x1]))
        return (
            f'<mask {{}}rle="{runs}" left="{x0}" top="{y0}" width="{x1 - x0}" '
            f'height="{y1 - y0}" z_order="0"></mask>'
        )
    if kind == 'box':
        return f'<box {{}}xtl="{x0}.0" ytl="{y0}.0" xbr="{x1}.0" ybr="{y1}.0"></box>'
    points = f'{x0}.0,{y0}.0;{x1}.0,{y0}.0;{x1}.0,{y1}.0;{x0}.0,{y1}.0'
    return f'<polygon {{}}points="{points}"></polygon>'


def cvat_images(root: Path, groups: bool = True) -> Path:
    scene = blobs()
    scene.write_frames(root / 'walk', FRAMES)
    lines = [
        '<annotations><version>1.1</version><meta><task><labels>',
        '<label><name>cat</name></label><label><name>dog</name></label>',
        '</labels></task></meta>',
    ]
    for frame, image in enumerate(FRAMES):
        lines.append(
            f'<image id="{frame}" name="walk/{image}" width="{WIDTH}" '
            f'height="{HEIGHT}">'
        )
        for number, (category, masks) in enumerate(scene.objects.values(), 1):
            shape = cvat_shape('mask', masks[frame])
            if shape is not None:
                group = f'group_id="{number}" ' if groups else ''
                lines.append(shape.format(f'label="{category}" {group}'))
        lines.append('</image>')
    lines.append('</annotations>')
    (root / 'annotations.xml').write_text('\n'.join(lines))
    return root


def coco_records(scene: Scene, names: list[str]) -> dict:
    """Lists of COCO without tracks; annotations have the object's number as ``n``."""
    ids = {'dog': 1, 'cat': 2}
    annotations = []
    for number, (category, masks) in enumerate(scene.objects.values()):
        for frame in range(LENGTH):
            if masks[frame].any():
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=frame + 1,
                        category_id=ids[category],
                        segmentation=dict(
                            size=[HEIGHT, WIDTH], counts=list_rle(masks[frame])
                        ),
                        n=number + 5,
                    )
                )
    images = [
        dict(id=n + 1, file_name=name, height=HEIGHT, width=WIDTH)
        for n, name in enumerate(names)
    ]
    categories = [dict(id=number, name=name) for name, number in ids.items()]
    return dict(images=images, annotations=annotations, categories=categories)


def coco(root: Path, key: str = 'track_id', inside: bool = False) -> Path:
    """Tracks are marked by a member of the annotation, or of its attributes."""
    scene = blobs()
    scene.write_frames(root / 'walk', FRAMES)
    content = coco_records(scene, [f'walk/{name}' for name in FRAMES])
    for record in content['annotations']:
        number = record.pop('n')
        record.update({'attributes': {key: number}} if inside else {key: number})
    (root / 'coco.json').write_text(json.dumps(content))
    return root / 'coco.json'


def cvat_coco(root: Path) -> Path:
    """CVAT's COCO 1.0: masks are crowds, tracks are attributes, images in a folder."""
    scene = blobs()
    scene.write_frames(root / 'images', CVAT_FRAMES)
    content = coco_records(scene, CVAT_FRAMES)
    for record in content['annotations']:
        record['iscrowd'] = 1
        number = record.pop('n')
        record['attributes'] = dict(occluded=False, track_id=number, keyframe=True)
    (root / 'annotations').mkdir()
    (root / 'annotations/instances_default.json').write_text(json.dumps(content))
    return root


def label_studio_video(root: Path) -> Path:
    """Boxes in percent from frame 1 on; two key frames, and one that ends a life."""
    scene = boxes()
    scene.write_frames(root / 'walk', FRAMES)
    results = []
    for number, (category, masks) in enumerate(scene.objects.values()):
        sequence = []
        for frame in (0, LENGTH - 1):
            x0, y0, x1, y1 = tight_box(masks[frame])
            sequence.append(
                dict(
                    frame=frame + 1,
                    enabled=frame == 0,
                    rotation=0,
                    x=100 * x0 / WIDTH,
                    y=100 * y0 / HEIGHT,
                    width=100 * (x1 - x0) / WIDTH,
                    height=100 * (y1 - y0) / HEIGHT,
                    time=frame / 25,
                )
            )
        value = dict(framesCount=LENGTH, sequence=sequence, labels=[category])
        results.append(dict(id=f'r{number}', type='videorectangle', value=value))
    task = dict(
        id=3,
        data=dict(video='/data/upload/1/0a1b2c3d-walk.mp4'),
        annotations=[dict(id=1, was_cancelled=False, result=results)],
    )
    (root / 'export.json').write_text(json.dumps([task]))
    return root / 'export.json'


def brush(mask: np.ndarray) -> list[int]:
    """Runs of equal numbers, and lists of different ones, packed as bits."""
    alpha = np.zeros((*mask.shape, 4), np.uint8)
    alpha[..., 3] = 255 * mask
    values = alpha.ravel().tolist()
    bits = (
        f'{len(values):032b}' + f'{7:05b}' + ''.join(f'{n:04b}' for n in (2, 7, 15, 3))
    )
    index = 0
    while index < len(values):
        run = 1
        while index + run < len(values) and values[index + run] == values[index]:
            run += 1
        if run > 3:
            bits += f'101{min(run, 256) - 1:08b}{values[index]:08b}'
            index += min(run, 256)
        else:
            some = values[index : index + 5]
            bits += f'000{len(some) - 1:03b}' + ''.join(f'{v:08b}' for v in some)
            index += len(some)
    bits += '0' * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def label_studio_brush(root: Path, ids: bool = True) -> Path:
    scene = blobs()
    scene.write_frames(root / 'walk', FRAMES)
    tasks = []
    for frame in reversed(range(LENGTH)):  # tasks are in no order
        results = []
        for number, (category, masks) in enumerate(scene.objects.values()):
            if not masks[frame].any():
                continue
            region = f'{frame}-{number}'
            value = dict(format='rle', rle=brush(masks[frame]), brushlabels=[category])
            sizes = dict(original_height=HEIGHT, original_width=WIDTH)
            results.append(dict(id=region, type='brushlabels', value=value, **sizes))
            if ids:
                given = dict(id=region, type='number', from_name='track_id')
                results.append(given | dict(value=dict(number=number)))
        image = f'/data/local-files/?d=walk%2F{FRAMES[frame]}'
        tasks.append(
            dict(id=frame, data=dict(image=image), annotations=[dict(result=results)])
        )
    (root / 'export.json').write_text(json.dumps(tasks))
    return root / 'export.json'


def datumaro(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'images/default', FRAMES)
    items = []
    for frame, image in enumerate(FRAMES):
        annotations = [
            dict(
                id=0,
                type='mask',
                attributes=dict(occluded=False, track_id=number, keyframe=True),
                group=0,
                label_id=('cat', 'dog').index(category),
                rle=dict(counts=string_rle(masks[frame]), size=[HEIGHT, WIDTH]),
                z_order=0,
            )
            for number, (category, masks) in enumerate(scene.objects.values())
            if masks[frame].any()
        ]
        items.append(
            dict(
                id=image[:5],
                annotations=annotations,
                attr=dict(frame=frame),
                image=dict(path=image, size=[HEIGHT, WIDTH]),
            )
        )
    labels = [dict(name=name, parent='') for name in ('cat', 'dog')]
    content = dict(info={}, categories=dict(label=dict(labels=labels)), items=items)
    (root / 'annotations').mkdir()
    (root / 'annotations/default.json').write_text(json.dumps(content))
    return root


def supervisely(root: Path) -> Path:
    scene = blobs()
    scene.write_frames(root / 'frames' / 'walk', FRAMES)
    classes = [dict(title=name, shape='bitmap') for name in ('cat', 'dog')]
    (root / 'meta.json').write_text(json.dumps(dict(classes=classes, tags=[])))
    objects = [
        dict(key=f'k{n}', classTitle=category, tags=[])
        for n, (category, _) in enumerate(scene.objects.values())
    ]
    frames = []
    for frame in range(LENGTH):
        figures = []
        for number, (_, masks) in enumerate(scene.objects.values()):
            if masks[frame].any():
                x0, y0, x1, y1 = (int(n) for n in tight_box(masks[frame]))
                rgba = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
                rgba[..., 3] = 255 * masks[frame, y0:y1, x0:x1]
                bitmap = dict(data=png(rgba, compressed=True), origin=[x0, y0])
                figures.append(
                    dict(
                        key=f'f{frame}{number}',
                        objectKey=f'k{number}',
                        geometryType='bitmap',
                        geometry=dict(bitmap=bitmap),
                    )
                )
        frames.append(dict(index=frame, figures=figures))
    content = dict(
        size=dict(height=HEIGHT, width=WIDTH),
        framesCount=LENGTH,
        frames=frames,
        objects=objects,
    )
    (root / 'ds/ann').mkdir(parents=True)
    (root / 'ds/ann/walk.mp4.json').write_text(json.dumps(content))
    return root
