"""Frames with an EXIF orientation: masks belong to the frame as it is displayed."""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from pycocotools import mask as mask_utils

from mmvis.datasets.converters import convert_mask_folders
from mmvis.datasets.transforms import LoadVISFrame
from mmvis.datasets.validation import check_frames
from mmvis.datasets.validation.orientation import exif_orientation
from mmvis.structures import AnnotationWarning

SIZE = (32, 48)  # height and width of the pixels in the file


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


def write_set(root, orientation, suffix='.jpg'):
    """A frame with a white corner, and a mask of it where it is displayed."""
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[:8, :16] = 255
    frame = Image.fromarray(pixels)
    for folder in ('frames/walk', 'masks/walk'):
        (root / folder).mkdir(parents=True)
    tags = exif(orientation)
    more = dict(tiffinfo={274: orientation}) if suffix == '.tif' else dict(exif=tags)
    frame.save(root / f'frames/walk/0{suffix}', **more)
    shown = Image.open(root / f'frames/walk/0{suffix}')
    mask = np.asarray(ImageOps.exif_transpose(shown).convert('L')) > 127
    Image.fromarray(mask.astype(np.uint8)).save(root / 'masks/walk/0.png')
    return mask


def convert(root):
    return convert_mask_folders(root / 'masks', root / 'frames', root / 'out.json')


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_masks_lie_on_the_frame_as_it_is_read(tmp_path, orientation, suffix):
    drawn = write_set(tmp_path, orientation, suffix)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        written = convert(tmp_path)
    assert len(said) == (orientation != 1)
    (video,), (annotation,) = written['videos'], written['annotations']
    loaded = LoadVISFrame().transform(
        dict(
            img_path=str(tmp_path / 'frames' / video['file_names'][0]),
            height=video['height'],
            width=video['width'],
            video_id=1,
        )
    )
    mask = mask_utils.decode(annotation['segmentations'][0]) == 1
    assert (mask == drawn).all()
    assert (mask == (loaded['img'].mean(axis=2) > 127)).all()
    (findings,) = check_frames(written['videos'], str(tmp_path / 'frames'), 1)
    assert [f.code for f in findings] == (['TURNED'] if orientation != 1 else [])
    assert not any(finding.is_broken for finding in findings)


def test_turned_frames_are_told_once(tmp_path):
    write_set(tmp_path, 3)
    for kind, suffix in (('frames', '.jpg'), ('masks', '.png')):
        data = (tmp_path / kind / f'walk/0{suffix}').read_bytes()
        (tmp_path / kind / f'walk/1{suffix}').write_bytes(data)
    with pytest.warns(AnnotationWarning) as said:
        convert(tmp_path)
    (message,) = [str(warning.message) for warning in said]
    assert message.startswith('2 frames') and "walk/0.jpg'" in message


def test_masks_of_the_frame_as_it_lies_in_the_file(tmp_path):
    mask = write_set(tmp_path, 6)
    Image.fromarray(mask.T.astype(np.uint8)).save(tmp_path / 'masks/walk/0.png')
    with pytest.raises(ValueError, match=r'48x32 .* are 32x48, turned as their EXIF'):
        convert(tmp_path)


def test_a_size_of_the_pixels_in_the_file_is_a_mismatch(tmp_path):
    write_set(tmp_path, 6)
    video = dict(id=1, height=SIZE[0], width=SIZE[1], file_names=['walk/0.jpg'])
    (findings,) = check_frames([video], str(tmp_path / 'frames'), 1)
    assert [finding.code for finding in findings] == ['SIZE_MISMATCH', 'TURNED']
    assert 'is 32x48, the video 48x32' in findings[0].what


@pytest.mark.parametrize('suffix', ['.webp', '.tif'])
def test_formats_that_programs_turn_differently_are_refused(tmp_path, suffix):
    write_set(tmp_path, 3, suffix)
    with pytest.raises(ValueError, match=f"walk/0{suffix}' has the EXIF orientation 3"):
        convert(tmp_path)
    video = dict(id=1, height=SIZE[0], width=SIZE[1], file_names=[f'walk/0{suffix}'])
    (findings,) = check_frames([video], str(tmp_path / 'frames'), 1)
    assert [finding.code for finding in findings] == ['BAD_IMAGE']


def orientation_of(data: bytes) -> int:
    file = io.BytesIO(data)
    with Image.open(file) as image:
        return exif_orientation(file, image)


def test_exif_behind_the_pixels_of_a_png_counts():
    """As in OpenCV."""
    file = io.BytesIO()
    Image.new('RGB', SIZE[::-1]).save(file, 'PNG')
    tags = exif(6).tobytes().removeprefix(b'Exif\0\0')
    chunk = b'eXIf' + tags
    behind = struct.pack('>I', len(tags)) + chunk + struct.pack('>I', zlib.crc32(chunk))
    data = file.getvalue()
    data = data[:-12] + behind + data[-12:]
    assert orientation_of(data) == 6
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape[:2] == SIZE[::-1]


def test_what_opencv_leaves_aside():
    """An orientation of XMP, one that does not exist, damaged tags."""
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    for more in (dict(xmp=xmp), dict(exif=exif(9)), dict(exif=b'Exif\0\0MM\0*\0')):
        file = io.BytesIO()
        Image.new('RGB', SIZE[::-1]).save(file, 'JPEG', **more)
        data = file.getvalue()
        assert orientation_of(data) == 1
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == SIZE
