"""Configs that cannot be read, and entries that cannot be replaced."""

from pathlib import Path

import pytest

from mmvis.engine.config_files import ConfigError, read_config, replace_entries


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    'text, said',
    [
        ('a = (1\n', r"child\.py cannot be read: '\(' was never closed, line 1\."),
        (
            'a = 1\nb = c\n',
            r"child\.py cannot be read: name 'c' is not defined \(line 2 of .*child",
        ),
        (
            "_base_ = ['base.py']\n\nb = _base_.n.missing\n",
            r'child\.py cannot be read: .*missing.* \(line 3 of .*child\.py\)',
        ),
        (
            "_base_ = ['base.py']\nn = dict(m=dict(x=1))\n",
            r'child\.py cannot be read: .*_delete_',
        ),
        (
            "_base_ = ['broken.py']\n",
            r'child\.py cannot be read: division by zero \(line 2 of .*broken\.py\)',
        ),
    ],
)
def test_what_cannot_be_read_names_file_and_line(tmp_path, text, said):
    written(tmp_path, 'base.py', 'n = dict(m=1)\n')
    written(tmp_path, 'broken.py', 'x = 1\ny = 1 / 0\n')
    with pytest.raises(ConfigError, match=said):
        read_config(str(written(tmp_path, 'child.py', text)))


def test_other_files_are_no_configs(tmp_path):
    with pytest.raises(ConfigError, match=r'weights\.pth is no config: its name ends'):
        read_config(str(written(tmp_path, 'weights.pth', '')))


def test_a_missing_base_is_a_missing_file(tmp_path):
    path = written(tmp_path, 'child.py', "_base_ = ['gone.py']\n")
    with pytest.raises(FileNotFoundError, match=r'gone\.py'):
        read_config(str(path))


def test_entries_are_replaced_or_the_key_is_named(tmp_path):
    path = written(tmp_path, 'c.py', 'a = dict(b=1.0, c=[dict(d=1)])\n')
    config = read_config(str(path))
    replace_entries(config, {'a.b': 2.0, 'a.c.0.d': 3, 'new.key': 4})
    assert config.a.b == 2.0 and config.a.c[0].d == 3 and config.new.key == 4
    for key in ('a.b.x', 'a.c.5.d'):
        with pytest.raises(ConfigError, match=rf'c\.py has no place for {key}=7: '):
            replace_entries(config, {key: 7})
    assert config.a.b == 2.0
