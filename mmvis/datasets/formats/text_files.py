"""Small json and xml files, with errors that name the file."""

from __future__ import annotations

import json
import mmap
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def has_keys(path: Path, begin: str, *names: str) -> bool:
    """Whether a json begins with a character and mentions all of these keys.

    It is searched for the keys, not parsed: annotation files have up to gigabytes.

    Args:
        path: a file, or what is none.
        begin: '{' or '['.
        *names: of keys, of any depth.
    """
    if path.suffix.lower() != '.json' or not path.is_file():
        return False
    with open(path, 'rb') as file:
        if file.read(256).removeprefix(b'\xef\xbb\xbf').lstrip()[:1] != begin.encode():
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return all(text.find(f'"{name}"'.encode()) >= 0 for name in names)


def has_member(path: Path, name: str) -> bool:
    """Whether it is a zip file with a member of this name."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return name in archive.namelist()


def read_json(path: Path, missing_ok: bool = False) -> Any:
    """The content of a json file, with or without a byte order mark.

    Args:
        path: the file.
        missing_ok: None where it is no json, instead of an error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no json.
    """
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except (FileNotFoundError, IsADirectoryError):
        if missing_ok:
            return None
        raise FileNotFoundError(f"There is no file '{path}'.") from None
    except (ValueError, RecursionError) as error:
        if missing_ok:
            return None
        raise ValueError(f"'{path}' is not json: {error}.") from None


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an xml file, or of the ``annotations.xml`` in a zip file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no xml, or one that declares entities.
    """
    try:
        if path.suffix.lower() == '.zip':
            with zipfile.ZipFile(path) as archive:
                data = archive.read('annotations.xml')
        else:
            data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(f"There is no file '{path}'.") from None
    except (zipfile.BadZipFile, KeyError):
        raise ValueError(f"'{path}' is no zip file with an annotations.xml.") from None
    if b'<!DOCTYPE' in data or b'<!ENTITY' in data:
        raise ValueError(f"'{path}' declares entities, which annotations never need.")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(f"'{path}' is not xml: {error}.") from None
