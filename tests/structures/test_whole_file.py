"""A file is whole or as it was, and why it cannot be written is said."""

import pytest

from mmvis.engine.command_line import user_message
from mmvis.structures.whole_file import whole_file


def test_new_content_comes_at_once_or_not_at_all(tmp_path):
    path = tmp_path / 'a/b/é.json'
    with whole_file(path) as file:
        file.write('ö')
        assert not path.exists()
    with pytest.raises(KeyError), whole_file(path) as file:
        file.write('half')
        raise KeyError
    assert path.read_text(encoding='utf-8') == 'ö'
    assert [p.name for p in path.parent.iterdir()] == ['é.json']  # nothing left over


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('folder', 'Is a directory'),
        ('file/x.json', 'File exists'),
        ('n' * 300, 'File name too long'),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, name, reason):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_text('')
    target = tmp_path / name
    with pytest.raises(OSError, match='written') as raised, whole_file(target) as file:
        file.write('x')
    assert user_message(raised.value).endswith(f'cannot be written: {reason}.')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file', 'folder']
