"""Run-length masks and annotation files: what every other room can rely on."""

from .annotation_checks import AnnotationWarning
from .annotation_file import VISAnnotations, read_annotation_file

__all__ = ['AnnotationWarning', 'VISAnnotations', 'read_annotation_file']
