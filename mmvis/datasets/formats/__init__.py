"""Annotations of labelling tools and of other data sets, as annotation files.

A format is a file of its own here, with a ``recognise`` and a ``read``; registry.py
lists them. Readers give ``Contents``, which importing.py makes a file of.
"""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .importing import import_annotations
    from .options import Options
    from .registry import FORMATS, Format, recognised
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = ['FORMATS', 'Format', 'Options', 'import_annotations', 'recognised']
