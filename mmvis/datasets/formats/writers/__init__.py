"""Annotation files, and predictions, in the formats of tools and other sets."""

from typing import TYPE_CHECKING

from mmvis.lazy_names import lazy_names

if TYPE_CHECKING:
    from .exporting import export_annotations
    from .names import WRITERS
    from .tool_datasets import fiftyone_samples, frame_results, supervision_dataset
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    'WRITERS',
    'export_annotations',
    'fiftyone_samples',
    'frame_results',
    'supervision_dataset',
]
