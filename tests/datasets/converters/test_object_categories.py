"""Files of the categories of objects."""

import json

import pytest

from mmvis.datasets.converters.object_categories import ObjectCategories


def categories(tmp_path, text, name='c.csv'):
    path = tmp_path / name
    path.write_bytes(text.encode('utf-8'))
    return ObjectCategories(path=path)


@pytest.mark.parametrize('header', ['video,object,category', 'Video, Object,CATEGORY'])
@pytest.mark.parametrize('mark', ['', '\ufeff'])
def test_the_header_is_no_object(tmp_path, header, mark):
    """Spreadsheets write capitals, and a byte order mark."""
    read = categories(tmp_path, f'{mark}{header}\r\nwalk,1,dog\r\n')
    assert read.names == ['dog']
    assert read.category_of('walk', '1') == 'dog'


def test_a_byte_order_mark_belongs_to_no_video(tmp_path):
    assert categories(tmp_path, '\ufeffwalk,1,dog').category_of('walk', '1') == 'dog'
    text = '\ufeff{"walk": "dog"}'
    assert categories(tmp_path, text, 'c.json').category_of('walk', '1') == 'dog'


def test_the_same_row_twice(tmp_path):
    assert categories(tmp_path, 'walk,1,dog\nwalk,1,dog\n').names == ['dog']


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('walk,1,dog\nwalk,*,dog\nwalk,1,cat', r"line 3: object '1' .*'cat' .*'dog'"),
        ('Object,Video,Category\n1,walk,dog', 'line 1: .video,object,category. is'),
        (f'walk,1,{"x" * 200_000}', 'is no csv: field larger'),
    ],
)
def test_wrong_rows(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as raised:
        categories(tmp_path, text)
    assert str(raised.value).startswith(f"'{tmp_path / 'c.csv'}'")


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"walk": {"1": "dog", "1": "cat"}}', "'1' is listed twice"),
        ('{"walk": "dog", "walk": {"1": "cat"}}', "'walk' is listed twice"),
        ('[' * 100_000, 'nested too deeply'),
        (json.dumps({'walk': {'1': ' '}}), "no category of object '1'"),
    ],
)
def test_wrong_json(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as raised:
        categories(tmp_path, text, 'c.json')
    assert str(raised.value).startswith(f"'{tmp_path / 'c.json'}'")
