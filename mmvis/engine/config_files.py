"""Reading configs, with one sentence for what is wrong in them."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from mmengine.config import Config

SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def read_config(path: str) -> Config:
    """The config of a file.

    Raises:
        ConfigError: It is no config, or not written in Python that can be run; the
            message names the file, of those it inherits too, and the line.
        FileNotFoundError: It, or a file that it inherits, is not there.
    """
    if Path(path).suffix not in SUFFIXES:
        raise ConfigError(f'{path} is no config: its name ends in .py.')
    from mmengine.config import Config

    try:
        return Config.fromfile(path)
    except FileNotFoundError:
        raise
    except SyntaxError as error:
        raise ConfigError(
            f'The config {path} cannot be read: {error.msg}, line {error.lineno}.'
        ) from None
    except Exception as error:
        raise ConfigError(
            f'The config {path} cannot be read: {_said(error)}{_place(error)}.'
        ) from error


def replace_entries(config: Config, options: Mapping[str, Any]) -> None:
    """Replace entries of a config, by dotted key, in place.

    Raises:
        ConfigError: A key leads through something that has no keys, or beyond a list.
    """
    for key, value in options.items():
        try:
            config.merge_from_dict({key: value})
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise ConfigError(
                f'{config.filename} has no place for {key}={value}: {_said(error)}.'
            ) from error


def _said(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    return ' '.join((text or type(error).__name__).split()).rstrip('.')


def _place(error: Exception) -> str:
    """Where a config's own code failed: the deepest line that is of no Python module.

    mmengine compiles configs under their own names, so they are in the trace.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.name == '<module>':
            return f' (line {frame.lineno} of {frame.filename})'
    return ''


__all__ = ['ConfigError', 'read_config', 'replace_entries']
