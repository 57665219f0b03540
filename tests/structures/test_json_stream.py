"""Streaming must give what the json module gives, wherever the chunks end."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvis.structures import json_stream
from mmvis.structures.json_stream import stream_json_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def collect(path, lists) -> dict:
    found = {}
    for key, index, value in stream_json_object(str(path), lists):
        if index is None:
            found[key] = value
        else:
            assert index == len(found[key])
            found[key].append(value)
    return found


@settings(max_examples=40, deadline=None)
@given(
    content=st.dictionaries(st.text(), VALUES),
    lists=st.sets(st.sampled_from(['a', 'b'])),
    streamed=st.fixed_dictionaries({}, optional={'a': VALUES, 'b': st.lists(VALUES)}),
    chunk=st.integers(1, 30),
    indent=st.sampled_from([None, 0, 3]),
)
def test_equals_json_load(tmp_path_factory, content, lists, streamed, chunk, indent):
    content |= streamed
    path = tmp_path_factory.getbasetemp() / 'streamed.json'
    text = json.dumps(content, ensure_ascii=False, indent=indent)
    path.write_bytes(text.encode('utf-8', 'surrogatepass'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, 'CHUNK', chunk)
        assert collect(path, lists) == content


@pytest.mark.parametrize('chunk', [1, 7, 1000])
@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r'line 1, column 1'),
        ('[1, 2]', r'starts with an object.*line 1, column 1'),
        ('{"a": [1,\n  2 3]}', r'"a" before element 2.*line 2, column 5'),
        ('{"a": [1,\n', r'line 2, column 1'),
        ('{"b": {"c": tru}}', r'line 1, column 13'),
        ('{"b": 1\n "c": 2}', r'missing after the value of "b".*line 2, column 2'),
        ('{"b" 1}', r'":" is missing after "b"'),
        ('{1: 2}', r'double quotes'),
        ('{"b": 1}\n\nx', r'goes on.*line 3, column 1'),
        ('{"b": "x', r'line 1, column 7'),
        pytest.param('{"b": ' + '[' * 100000, r'nested too deeply', id='deep'),
    ],
)
def test_errors_name_file_line_and_column(tmp_path, monkeypatch, text, message, chunk):
    monkeypatch.setattr(json_stream, 'CHUNK', chunk)
    path = tmp_path / 'wrong.json'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(ValueError, match=f'(?s)wrong.json.*{message}'):
        collect(path, {'a'})


@pytest.mark.parametrize('number', ['-0.0', '1e3', '12.5e-7', '1E+2', '123456'])
def test_numbers_cut_by_the_window(tmp_path, monkeypatch, number):
    path = tmp_path / 'numbers.json'
    path.write_text(f'{{"a": {number}, "b": [{number}, {number}]}}')
    for chunk in range(1, 12):
        monkeypatch.setattr(json_stream, 'CHUNK', chunk)
        value = json.loads(number)
        assert collect(path, {'b'}) == {'a': value, 'b': [value, value]}


def test_byte_order_mark_is_skipped_and_latin_1_is_refused(tmp_path):
    path = tmp_path / 'set.json'
    path.write_bytes(b'\xef\xbb\xbf{"a": [1]}')
    assert collect(path, {'a'}) == {'a': [1]}
    path.write_bytes('{"a": "é"}'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'set.json.* is not UTF-8'):
        collect(path, {'a'})
