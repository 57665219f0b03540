"""What the pixels of mask images mean, in all forms that a PNG can have."""

import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from data_factory import make_vis_dataset
from mask_painting import SIZE, convert, indexed, write_values
from PIL import Image

from mmvis.structures import AnnotationWarning

AREA = SIZE[0] * SIZE[1]


@pytest.fixture
def one_video(tmp_path):
    return make_vis_dataset(tmp_path, lengths=(1,), objects=0)


def mask_path(vis_set, folder=''):
    path = vis_set.root / 'masks/video_1' / folder / '00000.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def areas(written):
    return {a['object']: a['areas'][0] for a in written['annotations']}


def halves(left, right, dtype=np.uint8):
    values = np.full((*SIZE, *np.shape(left)), left, dtype)
    values[:, SIZE[1] // 2 :] = right
    return values


def raw_png(bits, kind, rows, *chunks):
    """A PNG of rows of bytes as they are, which Pillow cannot write."""

    def chunk(name, data):
        checksum = struct.pack('>I', zlib.crc32(name + data))
        return struct.pack('>I', len(data)) + name + data + checksum

    header = struct.pack('>IIBBBBB', SIZE[1], SIZE[0], bits, kind, 0, 0, 0)
    pixels = zlib.compress(b''.join(b'\0' + row for row in rows))
    data = [(b'IHDR', header), *chunks, (b'IDAT', pixels), (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunk(*parts) for parts in data)


def grey_and_alpha(path):
    """Background of value 200, not to be seen; the object is nearly transparent."""
    data = np.dstack([halves(200, 3), halves(0, 1)])
    Image.fromarray(data, 'LA').save(path)


def transparent_index(path):
    save_indexed(path, transparency=2)


def alpha_of_indices(path):
    save_indexed(path, transparency=bytes([255, 255, 0, 1]))


def save_indexed(path, **more):
    image = indexed(halves(2, 3))
    image.save(path, **more)


def transparent_grey(path):
    Image.fromarray(halves(200, 3)).save(path, transparency=200)


def transparent_grey_of_4_bits(path):
    rows = [b'\x77' * (SIZE[1] // 4) + b'\x33' * (SIZE[1] // 4)] * SIZE[0]
    path.write_bytes(raw_png(4, 0, rows, (b'tRNS', b'\0\7')))


def transparent_grey_of_1_bit(path):
    rows = [b'\xff' * (SIZE[1] // 16) + b'\0' * (SIZE[1] // 16)] * SIZE[0]
    path.write_bytes(raw_png(1, 0, rows, (b'tRNS', b'\0\1')))


def transparent_grey_of_16_bits(path):
    rows = [b'\1\0' * (SIZE[1] // 2) + b'\0\3' * (SIZE[1] // 2)] * SIZE[0]
    path.write_bytes(raw_png(16, 0, rows, (b'tRNS', b'\1\0')))


def nearly_transparent_colour(path):
    data = halves([9, 9, 9, 0], [0, 128, 0, 1])
    Image.fromarray(data).save(path)


@pytest.mark.parametrize(
    ('paint', 'names'),
    [
        (grey_and_alpha, ['3']),
        (transparent_index, ['3']),
        (alpha_of_indices, ['3']),
        (transparent_grey, ['3']),
        (transparent_grey_of_4_bits, ['51']),  # of 0 to 255
        (transparent_grey_of_1_bit, []),
        (transparent_grey_of_16_bits, ['3']),
        (nearly_transparent_colour, ['#008000']),
    ],
)
def test_transparent_is_background(one_video, paint, names):
    paint(mask_path(one_video))
    assert areas(convert(one_video)) == dict.fromkeys(names, AREA // 2)


@pytest.mark.parametrize('paint', [grey_and_alpha, transparent_index])
def test_transparent_is_background_of_binary_masks(one_video, paint):
    paint(mask_path(one_video, 'dog'))
    assert areas(convert(one_video)) == {'dog': AREA // 2}


def test_a_transparent_index_has_no_colour(tmp_path):
    """Also where palettes differ, so that index 0 could be an object."""
    two_frames = make_vis_dataset(tmp_path, lengths=(2,), objects=0)
    for frame, colour in enumerate(([0, 200, 0], [0, 0, 200])):
        palette = np.array([[200, 0, 0], colour], np.uint8)
        path = mask_path(two_frames).with_name(f'{5 * frame:05d}.png')
        indexed(halves(0, 1), palette).save(path, transparency=0)
    written = convert(two_frames)['annotations']
    assert {a['object']: a['areas'] for a in written} == {
        '#00c800': [AREA // 2, None],
        '#0000c8': [None, AREA // 2],
    }


@pytest.mark.parametrize(
    ('dtype', 'void', 'names'),
    [
        (np.uint8, 255, ['3']),
        (np.uint16, 255, ['3', '255']),
        (np.uint16, 3, ['255']),
        (np.uint16, None, ['3', '255']),
    ],
)
def test_255_is_an_ordinary_value_of_16_bits(one_video, dtype, void, names):
    Image.fromarray(halves(255, 3, dtype)).save(mask_path(one_video))
    assert list(areas(convert(one_video, void=void))) == names


def test_one_mask_of_16_bits_makes_255_an_object_of_its_video(tmp_path):
    two_frames = make_vis_dataset(tmp_path, lengths=(2,), objects=0)
    for frame, dtype in enumerate((np.uint8, np.uint16)):
        path = mask_path(two_frames).with_name(f'{5 * frame:05d}.png')
        Image.fromarray(halves(255, 3, dtype)).save(path)
    written = convert(two_frames)['annotations']
    assert {a['object']: a['areas'] for a in written} == {
        '3': [AREA // 2] * 2,
        '255': [AREA // 2] * 2,
    }


def raises(vis_set, message):
    with pytest.raises(ValueError, match=message) as raised:
        convert(vis_set)
    said = str(raised.value)
    assert "masks/video_1/00000.png'" in said and said.endswith('.')
    assert not (vis_set.root / 'out.json').exists()


@pytest.mark.parametrize('channels', [3, 4])
def test_colours_of_16_bits_are_refused(one_video, channels):
    """Pillow would read 1000 and 1001 as one value."""
    data = halves([1000] * channels, [1001] * channels, np.uint16)
    cv2.imwrite(str(mask_path(one_video)), data)
    raises(one_video, 'has 16 bits a channel')


def test_a_jpeg_named_png_is_refused(one_video):
    Image.fromarray(halves(0, 3)).save(mask_path(one_video), 'JPEG')
    raises(one_video, 'is a JPEG by its content')


def test_a_mask_with_an_orientation_is_refused(one_video):
    exif = Image.Exif()
    exif[274] = 3
    Image.fromarray(halves(0, 3)).save(mask_path(one_video), exif=exif)
    raises(one_video, 'has the EXIF orientation 3: save masks upright')


def smoothed_disc(colour):
    """A disc of antialiased edge, drawn at 16 times the size."""
    y, x = np.mgrid[: 16 * SIZE[0], : 16 * SIZE[1]]
    disc = (y - 384) ** 2 + (x - 512) ** 2 < 300**2
    covered = disc.reshape(SIZE[0], 16, SIZE[1], 16).mean(axis=(1, 3))
    return np.rint(covered[..., None] * np.array(colour)).squeeze().astype(np.uint8)


@pytest.mark.parametrize('colour', [255, [0, 200, 0]])
def test_smoothed_edges_are_refused(one_video, colour):
    Image.fromarray(smoothed_disc(colour)).save(mask_path(one_video))
    raises(one_video, 'lie only beside others, as smoothed edges')


def test_noise_is_refused(one_video):
    data = np.random.default_rng(0).integers(0, 2**16, SIZE).astype(np.uint16)
    Image.fromarray(data).save(mask_path(one_video))
    raises(one_video, 'lie only beside others, as smoothed edges and noise')


def rows_of(count):
    """A row of pixels for each of the objects 1, 2, ..., one below the other."""
    values = np.zeros(SIZE, np.uint8)
    values[:count] = np.arange(1, count + 1)[:, None]
    return values


@pytest.mark.parametrize('turned', [False, True])
def test_neighbours_are_looked_for_in_both_directions(one_video, turned):
    """The first and the last row have the background beside them, but a row, too."""
    values = rows_of(9)
    if turned:
        values = np.ascontiguousarray(np.rot90(rows_of(9)[:, : SIZE[0]], 1))
        values = np.pad(values, ((0, 0), (0, SIZE[1] - SIZE[0])))
    Image.fromarray(values).save(mask_path(one_video))
    raises(one_video, '9 values of which 9 lie only beside others')


@pytest.mark.parametrize(('rows', 'wide'), [(7, 0), (10, 10)])
def test_a_few_thin_objects_are_none_of_this(one_video, rows, wide):
    """Fewer than 8, or no more than of others."""
    values = rows_of(rows)
    for number in range(wide):
        values[16:32, 6 * number : 6 * number + 4] = 100 + number
    Image.fromarray(values).save(mask_path(one_video))
    assert len(areas(convert(one_video))) == rows + wide


def grid_of(step, size):
    """Objects 1, 2, ... of ``size`` pixels a side, ``step`` pixels apart."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    inside = (y % step < size) & (x % step < size)
    return np.where(inside, 1 + y // step * (SIZE[1] // step) + x // step, 0)


def test_small_objects_that_touch_are_none_of_this(one_video):
    values = grid_of(4, 4).astype(np.uint8)
    Image.fromarray(values).save(mask_path(one_video))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert areas(convert(one_video)) == {str(n): 16 for n in range(1, 193)}


def test_specks_are_told(one_video):
    values = grid_of(4, 1).astype(np.uint8)
    values[8:12, 8:11] = values[8, 8]
    Image.fromarray(values).save(mask_path(one_video))
    message = (
        r"191 objects never have more than 3 pixels \(first '1' of video 'video_1'"
    )
    with pytest.warns(AnnotationWarning, match=message):
        assert len(areas(convert(one_video))) == 192


def test_more_values_than_objects_can_be(tmp_path):
    """Single pixels on the background, so that none is beside another."""
    vis_set = make_vis_dataset(tmp_path, lengths=(1,), objects=0, size=(128, 130))
    y, x = np.mgrid[:128, :130]
    values = np.where((y + x) % 2, 1 + (y * 130 + x) // 2, 0).astype(np.uint16)
    Image.fromarray(values).save(mask_path(vis_set))
    raises(vis_set, 'are 8321: each object has one value or colour')


def test_more_objects_than_can_be_in_a_video(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvis.datasets.converters.mask_images._MOST_OBJECTS', 3)
    vis_set = make_vis_dataset(tmp_path, lengths=(2,), objects=0)
    write_values(vis_set, [[0, 1, 2], [3, 4, 1]], 'grey')
    with pytest.raises(ValueError, match=r"values of the masks in '.*video_1' are 4"):
        convert(vis_set)
    write_values(vis_set, [[0, 1, 2], [0, 3, 1]], 'grey')
    assert len(convert(vis_set)['annotations']) == 3
