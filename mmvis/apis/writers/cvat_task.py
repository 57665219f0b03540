"""cvat: a task for CVAT, to correct what was predicted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmvis.datasets.formats.writers import export_annotations
from mmvis.evaluation.results_as_annotations import results_as_annotations
from mmvis.structures import VISAnnotations

from .writer import ChosenTracks


class CvatTask(ChosenTracks):
    """Writes ``name_cvat.xml``, CVAT for images 1.1, when all frames are there.

    It goes to a task of the same video: Upload annotations, CVAT 1.1. Tracks have one
    class; their masks are shapes of one group, since CVAT has no tracks of masks.
    """

    kind = 'cvat'
    tolerance: float | None = None

    def close(self) -> Mapping[str, Path]:
        video = self.video
        if video.size is None:
            return {}
        about = video.annotation_file()
        content = VISAnnotations(
            str(self.path), about['info'], about['videos'], None, about['categories']
        )
        results = video.to_youtube_vis(self._score, self._labels)
        predicted = results_as_annotations(results, content)
        export_annotations(predicted, self.path, 'cvat', tolerance=self.tolerance)
        return {self.kind: self.path}


class CvatTracks(CvatTask):
    """Writes ``name_cvat_tracks.xml``: CVAT for video 1.1, polygons within a pixel."""

    kind = 'cvat-tracks'
    tolerance = 1.0
