"""As many classes as the data has: heads take their number from a file.

What a config inherits from a folder ``_base_`` is a default, which gives way. A number
that is set elsewhere, in the config itself or by an option, stays.
"""

from __future__ import annotations

import json
import mmap
import os.path as osp
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

KEY = 'num_classes'
_WINDOW = 1 << 16


def is_explicit(config_file: str | None, options: Collection[str] = ()) -> bool:
    """Whether somebody chose the number of classes.

    Args:
        config_file: the config that is used; None: it was made in Python, on purpose.
        options: dotted keys that were replaced.
    """
    if config_file is None or any(KEY in key for key in options):
        return True
    return any(
        '_base_' not in Path(path).parts
        and re.search(rf'\b{KEY}\b', Path(path).read_text(encoding='utf-8'))
        for path in _chain(config_file)
    )


def _chain(path: str) -> Iterator[str]:
    """A config and all that it inherits, as far as they are files."""
    from mmengine.config import Config

    yield path
    if Path(path).suffix != '.py':
        return
    for base in Config._get_base_files(path):
        inherited = osp.join(osp.dirname(path), base)
        if '::' not in base and osp.isfile(inherited):
            yield from _chain(inherited)


def classes_of(dataset: Mapping) -> tuple[str, ...] | None:
    """The classes that a data set of this config will have; None if it cannot be told.

    Args:
        dataset: config of a set of videos, or of one that wraps or joins such.
    """
    names = (dataset.get('metainfo') or {}).get('classes')
    if names:
        return (names,) if isinstance(names, str) else tuple(names)
    inner = dataset.get('dataset') or dataset.get('datasets')
    if inner:
        return classes_of(inner[0] if isinstance(inner, list) else inner)
    if str(dataset.get('type')).rpartition('.')[2] != 'YouTubeVISDataset':
        return None
    path = osp.join(dataset.get('data_root') or '', dataset.get('ann_file') or '')
    return category_names(path)


def category_names(path: str) -> tuple[str, ...] | None:
    """Names of the categories of an annotation file, without reading the rest of it.

    An official file takes seconds to be parsed; the list alone is looked for. None if
    it is not there once, or of another form: the reader will say what is wrong.
    """
    mark = b'"categories"'
    try:
        with open(path, 'rb') as file:
            if not osp.getsize(path):
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                start = text.rfind(mark)
                if start < 0 or text.find(mark) != start:
                    return None
                categories = _list_at(text, start + len(mark))
    except (OSError, ValueError):
        return None
    names = [c.get('name') for c in categories if isinstance(c, dict)]
    if len(names) < len(categories) or not all(isinstance(n, str) for n in names):
        return None
    return tuple(map(str, names)) or None


def _list_at(text: mmap.mmap, start: int) -> list:
    """The list behind the colon that comes next."""
    length = _WINDOW
    while True:
        piece = text[start : start + length].decode('utf-8', 'ignore')
        value = piece.partition(':')[2].lstrip()
        try:
            found = json.JSONDecoder().raw_decode(value)[0]
        except ValueError:
            if start + length >= len(text):
                raise
            length *= 2
            continue
        return found if isinstance(found, list) else []


def trained_classes(content: Mapping) -> tuple[str, ...] | None:
    """Names of the classes that a checkpoint was trained for, if it has them."""
    meta = content.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    lowered = {str(key).lower(): value for key, value in meta.items()}
    trained = lowered.get('dataset_meta') or lowered
    if not isinstance(trained, Mapping):
        return None
    names = {str(key).lower(): value for key, value in trained.items()}.get('classes')
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        return None
    return tuple(map(str, names))


def set_num_classes(model: Any, number: int) -> int | None:
    """Set the number of classes of all heads of a model's config, in place.

    Heads that find things of any class (``rpn_head``) keep theirs. Weights of a loss
    by class are all that of the first one, but for the background's, which stays.

    Args:
        model: config of a model.
        number: of the classes.

    Returns:
        What it was; None where nothing was changed: it is the same, there is no such
        head, or heads have different numbers.
    """
    heads = list(_heads(model))
    numbers = {head[key] for head, key in heads}
    if len(numbers) != 1 or numbers == {number}:
        return None
    before = numbers.pop()
    for head, key in heads:
        head[key] = number
        for loss in [v for v in head.values() if isinstance(v, dict)]:
            weights = loss.get('class_weight')
            if isinstance(weights, list) and len(weights) == before + 1:
                loss['class_weight'] = [weights[0]] * number + [weights[-1]]
    return before


def _heads(node: Any) -> Iterator[tuple[dict, str]]:
    """Each dict with a number of classes, and the key of it."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from _heads(child)
    elif isinstance(node, dict):
        if isinstance(node.get(KEY), int):
            yield node, KEY
        elif isinstance(node.get('num_things_classes'), int) and not node.get(
            'num_stuff_classes'
        ):
            yield node, 'num_things_classes'
        for key, child in node.items():
            if key != 'rpn_head':
                yield from _heads(child)


def fit_class_count(model: dict, classes: Collection[str], source: str) -> str | None:
    """Give a model as many classes as there are, and say so.

    A detector that is named by ``config`` alone is read when the model is built:
    ``num_classes`` of the model tells it then.

    Args:
        model: its config, changed.
        classes: their names.
        source: where they are from, as a sentence calls it.

    Returns:
        A sentence, if anything was changed.
    """
    number = len(classes)
    if isinstance(model.get('detector'), dict) and 'config' in model['detector']:
        model[KEY] = number
        before: int | None = None
    else:
        before = set_num_classes(model, number)
        if before is None:
            return None
    listed = ', '.join(list(classes)[:8]) + (', ...' if number > 8 else '')
    was = '' if before is None else f' (the config has {before})'
    return (
        f'The model is made for {number} classes{was}, those of {source}: {listed}. '
        f'{KEY} in the config or in --cfg-options would win.'
    )
