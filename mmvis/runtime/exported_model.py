"""From a file to something that predicts."""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import ExportedModelError
from .model_file import ModelFile
from .stmask import STMaskRunner

RUNNERS: dict[str, Any] = {'STMask': STMaskRunner}


class ExportedModel(NamedTuple):
    """An exported model that is ready to predict.

    Attributes:
        runner: ``init_state()`` and ``predict_frame(image, frame_id, state)``.
        class_names (tuple[str] | None): Names by label.
        category_ids (tuple[int] | None): Ids in results, by label.
    """

    runner: Any
    class_names: tuple[str, ...] | None
    category_ids: tuple[int, ...] | None


def load_exported(file: ModelFile) -> ExportedModel:
    """Open the networks of an exported model.

    Args:
        file: What ``python -m mmvis export`` has written.

    Raises:
        ExportedModelError, MissingRuntimeError: With a sentence that says what to do.
    """
    kind = file.about['model']
    if kind not in RUNNERS:
        raise ExportedModelError(
            f'{file.path} is of a {kind}, which this version of mmvis does not run; '
            f'those that it does: {", ".join(RUNNERS)}.'
        )
    names, ids = file.about['classes'], file.about['category_ids']
    return ExportedModel(
        RUNNERS[kind](file),
        None if names is None else tuple(names),
        None if ids is None else tuple(ids),
    )
