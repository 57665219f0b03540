"""json: YouTube-VIS results, and the annotation file that they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmvis.evaluation.submission import write_results

from ..video_result import write_json
from .writer import ChosenTracks


class ResultsFile(ChosenTracks):
    """Writes ``name.json`` and ``name_video.json`` when all frames are there."""

    def close(self) -> Mapping[str, Path]:
        video = self.video
        # Without a frame that could be read there is not even a size.
        if video.size is None:
            return {}
        about = self.path.with_name(f'{self.path.stem}_video.json')
        results = video.iter_youtube_vis(self._score, self._labels)
        write_results(results, self.path)
        ids = video.track_ids(self._score, self._labels)
        write_json(about, dict(video.annotation_file(), track_ids=ids))
        return dict(json=self.path, video=about)
