"""Which category the objects of videos are of."""

import csv
import json
from pathlib import Path
from typing import Any

EVERY_OBJECT = '*'
_COLUMNS = ['video', 'object', 'category']


class ObjectCategories:
    """Categories of objects: one for all, or those that a file lists.

    A file is one of

    * csv with the columns video, object, category (a line that says so, in small
      letters or capitals, is left out);
    * json ``{video: {object: category}}`` or ``{video: category}``;
    * YouTube-VOS's meta.json, ``{"videos": {video: {"objects": {object:
      {"category": category}}}}}``.

    The object ``*`` stands for all others of its video.

    Args:
        category: name of the category of all objects, if there is no file.
        path: the file.

    Attributes:
        names: of all categories of the file, used or not, in alphabetical order: files
            of the same names give the same ids.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is of another form; the message says where. Or the name of the
            category of all objects is empty.
    """

    def __init__(self, category: str = 'object', path: str | Path | None = None):
        self.path = path
        self._category = category
        self._listed: dict[tuple[str, str], str] = {}
        if path is not None:
            self._listed = _read(Path(path))
        elif not category.strip():
            raise ValueError('The category of all objects has no name: give it one.')
        self.names = sorted(set(self._listed.values())) if path else [category]

    def category_of(self, video: str, name: str) -> str:
        """The category of an object of a video.

        Raises:
            ValueError: the file does not list it.
        """
        if self.path is None:
            return self._category
        for key in ((video, name), (video, EVERY_OBJECT)):
            if key in self._listed:
                return self._listed[key]
        raise ValueError(
            f"'{self.path}' has no category for object '{name}' of video '{video}': "
            f"list it, or '{EVERY_OBJECT}' for all other objects of the video."
        )

    def records(self) -> list[dict]:
        """The list "categories" of an annotation file, with ids from 1."""
        return [dict(id=n, name=name) for n, name in enumerate(self.names, start=1)]


def _read(path: Path) -> dict[tuple[str, str], str]:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of categories '{path}'.")
    try:
        text = path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError:
        raise ValueError(f"'{path}' is not UTF-8 text.") from None
    if path.suffix.lower() == '.csv':
        return _from_csv(path, text)
    try:
        content = json.loads(text, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as error:
        raise ValueError(f"'{path}' is neither csv nor json: {error}.") from None
    except ValueError as error:
        raise ValueError(f"'{path}': {error}.") from None
    except RecursionError:
        raise ValueError(f"'{path}' is nested too deeply.") from None
    return _from_json(path, content)


def _from_csv(path: Path, text: str) -> dict[tuple[str, str], str]:
    listed: dict[tuple[str, str], str] = {}
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error as error:
        raise ValueError(f"'{path}' is no csv: {error}.") from None
    for number, row in enumerate(rows, start=1):
        row = [cell.strip() for cell in row]
        names = [cell.casefold() for cell in row]
        if names == _COLUMNS or not any(row):
            continue
        if len(row) != 3 or not all(row) or sorted(names) == sorted(_COLUMNS):
            raise ValueError(
                f"'{path}', line {number}: 'video,object,category' is expected, not "
                f"'{','.join(row)}'."
            )
        video, name, category = row
        if listed.setdefault((video, name), category) != category:
            raise ValueError(
                f"'{path}', line {number}: object '{name}' of video '{video}' is of "
                f"category '{category}' here and of '{listed[video, name]}' before: "
                'take one of the lines away.'
            )
    return listed


def _no_key_twice(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a json, whose later members would replace earlier ones silently."""
    content: dict[str, Any] = {}
    for key, value in members:
        if content.setdefault(key, value) is not value:
            raise ValueError(f"'{key}' is listed twice: take one of them away")
    return content


def _from_json(path: Path, content: Any) -> dict[tuple[str, str], str]:
    if isinstance(content, dict) and isinstance(content.get('videos'), dict):
        content = {
            video: record.get('objects') if isinstance(record, dict) else None
            for video, record in content['videos'].items()
        }
    if not isinstance(content, dict):
        raise ValueError(
            f"'{path}' is not of the form {{video: {{object: category}}}}."
        )
    listed = {}
    for video, objects in content.items():
        if isinstance(objects, str):
            objects = {EVERY_OBJECT: objects}
        if not isinstance(objects, dict):
            raise ValueError(f"'{path}' has no objects of video '{video}'.")
        for name, category in objects.items():
            if isinstance(category, dict):
                category = category.get('category')
            if not isinstance(category, str) or not category.strip():
                raise ValueError(
                    f"'{path}' has no category of object '{name}' of video '{video}'."
                )
            listed[video, name] = category
    return listed
