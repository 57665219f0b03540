"""Where configs are, by file or by name."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import mmvis

from .errors import ConfigNotFoundError


def find_config(name: str | os.PathLike) -> str:
    """The path of a config: a file, or the bare name of one that comes with mmvis.

    Raises:
        ConfigNotFoundError: There is none; the message has names like it.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return str(path)
    wanted = path.name.removesuffix('.py')
    known: dict[str, Path] = {}
    for folder in config_folders():
        for file in sorted(folder.rglob('*.py')):
            if '_base_' not in file.parts:
                known.setdefault(file.stem, file)
    if len(path.parts) == 1 and wanted in known:
        return str(known[wanted])
    alike = difflib.get_close_matches(wanted, known, n=3)
    hint = f' Did you mean {" or ".join(alike)}?' if alike else ''
    raise ConfigNotFoundError(
        f'{name} is neither a config file nor the name of one of mmvis.{hint}'
    )


def config_folders() -> list[Path]:
    """Where the configs of this installation are: of a wheel, or of a checkout."""
    package = Path(mmvis.__file__).resolve().parent
    places = package / '.mim/configs', package.parent / 'configs'
    return [place for place in places if place.is_dir()]
