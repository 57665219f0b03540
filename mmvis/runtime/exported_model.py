"""From a file to something that predicts."""

from __future__ import annotations

from pathlib import Path
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


def load_exported(
    path: str | Path, device: str | None = None, threads: int | None = None
) -> ExportedModel:
    """Open the networks of an exported model.

    Args:
        path: What ``python -m mmvis export`` has written.
        device: 'cpu', 'cuda', 'cuda:N' or 'openvino'; None: a GPU if the runtime has
            one.
        threads: Of the CPU; None: OMP_NUM_THREADS, or all cores.

    Raises:
        ExportedModelError, MissingRuntimeError: With a sentence that says what to do.
    """
    file = ModelFile(path, device, threads)
    kind = file.about['model']
    if kind not in RUNNERS:
        raise ExportedModelError(
            f'{path} is of a {kind}, which PyTorch alone tracks with; those that run '
            f'without it: {", ".join(RUNNERS)}.'
        )
    names, ids = file.about['classes'], file.about['category_ids']
    return ExportedModel(
        RUNNERS[kind](file),
        None if names is None else tuple(names),
        None if ids is None else tuple(ids),
    )
