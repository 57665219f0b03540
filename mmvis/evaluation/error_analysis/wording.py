"""What the numbers say, in sentences."""

import numpy as np

from .analysis import ErrorAnalysis
from .filmstrips import other_tracks
from .html_parts import number
from .kinds import (
    BOTH,
    GROUPS,
    MISSED,
    SPATIAL,
    SPATIAL_AND_TEMPORAL,
    TEMPORAL,
    TrackError,
)


def headline(analysis: ErrorAnalysis) -> list[str]:
    """The largest gain, and the categories that are confused most."""
    gains = {name: analysis.gain(kinds) or 0.0 for name, kinds in GROUPS.items()}
    best = max(gains, key=gains.__getitem__)
    if gains[best] <= 0:
        return ['No error costs anything at this threshold.']
    kinds = GROUPS[best]
    numbers = [
        f'{name} from {number(analysis.average_precision(averaged=averaged))} to '
        f'{number(analysis.average_precision(kinds, averaged=averaged))}'
        for name, averaged in ((analysis.threshold_name, False), ('AP', True))
    ]
    lines = [
        f'Most would be gained by fixing {best} errors alone: {", ".join(numbers)}.'
    ]
    confused = most_confused(analysis)
    if confused:
        pairs = '; '.join(
            f'{said} for {name} ({count} of {objects} objects)'
            for name, said, count, objects in confused
        )
        lines.append(f'Categories that the best track takes for others: {pairs}.')
    return lines


def most_confused(
    analysis: ErrorAnalysis, most: int = 4
) -> list[tuple[str, str, int, int]]:
    """(category, what is said, times, objects of the category), most often first."""
    names = analysis.category_names
    counts = analysis.confusion()
    wrong = counts[:, :-1] * (1 - np.eye(len(names), dtype=int))
    order = np.argsort(-wrong, axis=None, kind='stable')[:most]
    return [
        (names[k], names[said], int(wrong[k, said]), int(counts[k].sum()))
        for k, said in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[k, said]
    ]


def sentence(analysis: ErrorAnalysis, error: TrackError) -> str:
    """What is known about one error."""
    video = analysis.overlaps(error.video_id)
    names = analysis.category_names
    if error.kind == MISSED:
        name = names[video.object_labels[error.target]]
        near = other_tracks(video, error)
        if not near:
            return f'No track touches this {name}.'
        best = video.ious[near[0], error.target]
        return (
            f'No track is nearly right about this {name}; the best IoU is {best:.2f}.'
        )
    det, target = error.detection, error.target
    said = f'A {names[video.labels[det]]} track of score {error.score:.2f}'
    if target is None:
        return f'{said} is on no object.'
    name = names[video.object_labels[target]]
    text = f'{said} has IoU {video.ious[det, target]:.2f} with a {name}.'
    if error.kind in (SPATIAL, SPATIAL_AND_TEMPORAL, *TEMPORAL):
        frames = int(video.frames_on[det, target])
        text += (
            f' In its {frames} frame{"s" * (frames != 1)} on this object the masks '
            f'have IoU {video.mask_quality[det, target]:.2f}; with perfect masks there '
            f'the track would reach {video.association[det, target]:.2f}.'
        )
    if error.related:
        others = ', '.join(names[video.object_labels[gt]] for gt in error.related)
        text += f' It is also on another object ({others}).'
    if not error.false_positive:
        return f'{text} The track counts as right, but no track finds the other object.'
    if not error.claims and error.kind != BOTH:
        text += ' Another track finds this object.'
    return text
