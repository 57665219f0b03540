"""Every format, written in its documented layout, gives the pixels that were drawn."""

import json
import os

import numpy as np
import pytest
import set_layouts as sets
import tool_layouts as tools
from scenes import blobs, boxes, expected, found_in

from mmvis.datasets.formats import FORMATS, Options, import_annotations, recognised
from mmvis.structures import read_annotation_file

CASES = {
    'labelme': (tools.labelme, 'labelme', blobs),
    'labelme polygons': (tools.labelme_shapes, 'labelme', boxes),
    'labelme rectangles': (
        lambda root: tools.labelme_shapes(root, 'rectangle'),
        'labelme',
        boxes,
    ),
    'cvat masks': (tools.cvat_video, 'cvat', blobs),
    'cvat polygons': (lambda root: tools.cvat_video(root, 'polygon'), 'cvat', boxes),
    'cvat boxes between key frames': (
        lambda root: tools.cvat_video(root, 'box', every=9),
        'cvat',
        boxes,
    ),
    'cvat polygons between key frames': (
        lambda root: tools.cvat_video(root, 'polygon', every=9),
        'cvat',
        boxes,
    ),
    'cvat every fifth frame': (
        lambda root: tools.cvat_video(root, step=5),
        'cvat',
        blobs,
    ),
    'cvat images': (tools.cvat_images, 'cvat', blobs),
    'coco': (tools.coco, 'coco', blobs),
    'coco attributes': (
        lambda root: tools.coco(root, 'instance_id', inside=True),
        'coco',
        blobs,
    ),
    'coco of cvat': (tools.cvat_coco, 'coco', blobs),
    'label studio video': (tools.label_studio_video, 'label-studio', boxes),
    'label studio brush': (tools.label_studio_brush, 'label-studio', blobs),
    'datumaro': (tools.datumaro, 'datumaro', blobs),
    'youtube-vis': (sets.youtube_vis, 'youtube-vis', blobs),
    'youtube-vos': (sets.youtube_vos, 'davis', blobs),
    'mots of cvat': (sets.cvat_mots, 'mots', blobs),
    'burst': (sets.burst, 'burst', blobs),
    'vipseg': (sets.vipseg, 'vipseg', blobs),
    'bdd100k': (sets.bdd100k, 'bdd100k', lambda: blobs(sets.MOTS)),
}


def converted(source, root, **more):
    out = root.parent / f'{root.name}.json'
    return out, *import_annotations(source, out, **more)


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'set').mkdir()
    return tmp_path / 'set'


@pytest.mark.parametrize('name', CASES)
def test_pixels_are_those_that_were_drawn(name, root):
    make, format_name, scene = CASES[name]
    source = make(root)
    given, how = recognised(source)
    assert given.name == format_name and str(root) in how
    out, content, notes = converted(source, root)
    assert notes[0].startswith(f'format {format_name}: ')
    assert found_in(out) == expected(scene())
    folder = notes[-1].removeprefix('file_names are relative to ').strip("'.")
    (video,) = content['videos']
    assert all(
        os.path.isfile(os.path.join(folder, frame)) for frame in video['file_names']
    )
    assert video['file_names'] == sorted(video['file_names'])


def test_davis_has_categories_in_a_file(root):
    source = sets.davis(root)
    options = Options(categories=str(root / 'semantics.json'))
    out, *_ = converted(source, root, options=options)
    assert found_in(out) == expected(blobs())
    out, content, _ = converted(source, root, options=Options(category='thing'))
    assert [c['name'] for c in content['categories']] == ['thing']


@pytest.mark.parametrize('make', [sets.kitti_mots, sets.mots_text])
def test_regions_to_ignore_are_crowds_of_each_class(make, root):
    out, *_ = converted(make(root), root)
    region = np.stack([sets.ignored(frame) for frame in range(4)]).tobytes()
    crowds = [(category, 1, region) for category in ('car', 'pedestrian')]
    assert found_in(out) == sorted([*expected(blobs(sets.MOTS)), *crowds])


def test_supervisely_takes_its_video_apart_or_reads_frames(root):
    source = tools.supervisely(root)
    assert recognised(source)[0].name == 'supervisely'
    out, *_ = converted(source, root, frames=root / 'frames')
    assert found_in(out) == expected(blobs())


def test_every_format_has_a_test_and_an_example():
    tested = {format_name for _, format_name, _ in CASES.values()}
    assert tested | {'supervisely'} == set(FORMATS)
    for given in FORMATS.values():
        assert len(given.example) == 2
        assert f'--from {given.name} ' in given.example[1]


def test_large_files_are_recognised_without_being_parsed(root, monkeypatch):
    def parsed(*args, **kwargs):
        raise AssertionError('a json was parsed')

    sources = [tools.coco(root), sets.youtube_vis(root), sets.burst(root / 'burst')]
    monkeypatch.setattr(json, 'loads', parsed)
    monkeypatch.setattr(json, 'load', parsed)
    monkeypatch.setattr(json.JSONDecoder, 'raw_decode', parsed)
    names = [recognised(source)[0].name for source in sources]
    assert names == ['coco', 'youtube-vis', 'burst']


@pytest.mark.parametrize('kind', ['folder', 'text', 'json', 'list', 'xml'])
def test_what_is_nothing_is_recognised_as_nothing(kind, root):
    source = root if kind == 'folder' else root / f'a.{kind.replace("list", "json")}'
    if kind != 'folder':
        source.write_text({'list': '[3]', 'json': '{"a": 1}'}.get(kind, '<a></a>'))
    with pytest.raises(ValueError, match='of no format that is known: --list'):
        recognised(source)
    with pytest.raises(FileNotFoundError):
        recognised(root / 'nowhere')


@pytest.mark.parametrize(
    'make',
    [
        lambda root: tools.cvat_images(root, groups=False),
        lambda root: tools.label_studio_brush(root, ids=False),
        lambda root: tools.labelme_shapes(root, suffix=False),
    ],
)
def test_missing_identities_are_refused_or_made_by_the_tracker(make, root):
    source = make(root)
    with pytest.raises(ValueError, match=r'which object they are of: .* --link'):
        converted(source, root)
    assert not root.with_suffix('.json').exists()
    out, content, notes = converted(source, root, link=True)
    assert any('identities of' in note and 'were made' in note for note in notes)
    # The objects keep apart: whoever is seen in neighbouring frames is one track.
    scene = boxes() if 'labelme' in notes[0] else blobs()
    found = {pixels for _, _, pixels in found_in(out)}
    steady = [masks for _, masks in scene.objects.values() if masks.any((1, 2)).all()]
    assert len(steady) >= 2
    assert {masks.tobytes() for masks in steady} <= found
    assert not any('loose' in a for a in read_annotation_file(str(out)).annotations)
    numbers = [a['id'] for a in content['annotations']]
    assert numbers == list(range(1, len(numbers) + 1))


def test_roboflow_has_its_json_beside_the_images(root):
    """Names carry the frame's number before a hash; nothing tells objects apart."""
    names = [f'walk_mp4-{n:04d}_jpg.rf.{"fc3a"[n]}9e0.jpg' for n in range(4)]
    blobs().write_frames(root / 'train', names)
    content = tools.coco_records(blobs(), names)
    for record in content['annotations']:
        del record['n']
    path = root / 'train/_annotations.coco.json'
    path.write_text(json.dumps(content))
    given, how = recognised(root / 'train')
    assert given.name == 'coco' and '_annotations.coco.json' in how
    with pytest.raises(ValueError, match='--link'):
        converted(root / 'train', root)
    out, written, _ = converted(root / 'train', root, link=True)
    assert written['videos'][0]['file_names'] == names
    assert ('cat', 0, blobs().objects['cat 2'][1].tobytes()) in found_in(out)


def test_coco_without_tracks_is_linked(root):
    source = tools.coco(root, key='nothing')
    with pytest.raises(ValueError, match='--link'):
        converted(source, root)
    out, *_ = converted(source, root, link=True)
    masks = blobs().objects['cat 2'][1]
    assert ('cat', 0, masks.tobytes()) in found_in(out)
