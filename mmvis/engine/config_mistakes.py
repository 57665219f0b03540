"""What a failed build of a config's entry says about the config."""

from __future__ import annotations

import difflib
import inspect
import re
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmengine.registry import Registry

_UNKNOWN_KEY = re.compile(r"__init__\(\) got an unexpected keyword argument '(\w+)'")
_MISSING_KEYS = re.compile(r'__init__\(\) missing \d+ required .*arguments?: (.+)$')
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the (\S+) registry')


def config_mistake(error: BaseException) -> str | None:
    """A sentence on an entry of a config that names no type, or takes no such key.

    mmengine reports these as a KeyError and a TypeError under a long trace. What was
    being built is known from the trace: the innermost call of ``build_from_cfg``.

    Returns:
        str | None: None where the error is no such mistake.
    """
    built = _innermost_build(error.__traceback__)
    if built is None:
        return None
    text = str(error.args[0]) if error.args else ''
    if isinstance(error, KeyError) and (found := _UNKNOWN_TYPE.match(text)):
        names = _names(built.get('registry'))
        return (
            f'The config has the type {found[1]}, of which there is none (looked '
            + (f'for in {found[2]}).{_hint(found[1].split(".")[-1], names)}')
        )
    built_type = built.get('obj_cls')
    if not isinstance(error, TypeError) or not inspect.isclass(built_type):
        return None
    name = built_type.__name__
    if found := _UNKNOWN_KEY.search(text):
        if found[1] not in (built.get('args') or {}):
            return None  # Not the config's, but of a class that passes on too much.
        hint = _hint(found[1], _parameters(built_type))
        return (
            f'The config gives {name} the key {found[1]}, which it does not have.{hint}'
        )
    if found := _MISSING_KEYS.search(text):
        return f'The config of a {name} lacks {found[1]}.'
    return None


def _innermost_build(trace: TracebackType | None) -> dict[str, Any] | None:
    """The variables of the innermost ``build_from_cfg`` in a trace."""
    from mmengine.registry import build_from_cfg

    found = None
    while trace is not None:
        if trace.tb_frame.f_code is build_from_cfg.__code__:
            found = trace.tb_frame.f_locals
        trace = trace.tb_next
    return found


def _parameters(built_type: type) -> list[str]:
    """Names of the arguments of a class and of those that it passes the others to."""
    names = []
    for base in built_type.__mro__[:-1]:
        if '__init__' in vars(base):
            parameters = inspect.signature(vars(base)['__init__']).parameters
            names += [name for name in parameters if name not in ('self', 'kwargs')]
            if 'kwargs' not in parameters:
                break
    return names


def _names(registry: Registry | None) -> list[str]:
    """Names in a registry and in those above it."""
    names: list[str] = []
    while registry is not None:
        names += registry.module_dict
        registry = registry.parent
    return names


def _hint(wrong: str, names: list[str]) -> str:
    alike = difflib.get_close_matches(wrong, names, n=2)
    return f' Did you mean {" or ".join(alike)}?' if alike else ''


__all__ = ['config_mistake']
