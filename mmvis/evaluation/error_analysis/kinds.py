"""The kinds of errors, in the order in which they are listed."""

from dataclasses import dataclass
from typing import Any

CLASSIFICATION = 'classification'
SPATIAL = 'spatial'
SPLIT = 'split'
MERGE = 'merge'
SWITCH = 'id switch'
EXTENT = 'extent'
SPATIAL_AND_TEMPORAL = 'spatial and temporal'
DUPLICATE = 'duplicate'
BOTH = 'both'
BACKGROUND = 'background'
MISSED = 'missed'

TEMPORAL = (SPLIT, MERGE, SWITCH, EXTENT)
KINDS = (
    CLASSIFICATION,
    SPATIAL,
    *TEMPORAL,
    SPATIAL_AND_TEMPORAL,
    DUPLICATE,
    BOTH,
    BACKGROUND,
    MISSED,
)
# Kinds by the name of the row that they share: all alone but the temporal ones.
GROUPS: dict[str, tuple[str, ...]] = {
    CLASSIFICATION: (CLASSIFICATION,),
    SPATIAL: (SPATIAL,),
    'temporal': TEMPORAL,
    SPATIAL_AND_TEMPORAL: (SPATIAL_AND_TEMPORAL,),
    DUPLICATE: (DUPLICATE,),
    BOTH: (BOTH,),
    BACKGROUND: (BACKGROUND,),
    MISSED: (MISSED,),
}
# The same, and behind its group each of several kinds that share a row.
GROUPS_AND_KINDS: dict[str, tuple[str, ...]] = {}
for _group, _kinds in GROUPS.items():
    GROUPS_AND_KINDS[_group] = _kinds
    GROUPS_AND_KINDS |= {kind: (kind,) for kind in _kinds}

MEANING = {
    CLASSIFICATION: 'well on an object of another category',
    SPATIAL: 'on the right object, with inaccurate masks',
    SPLIT: 'several tracks share the frames of one object',
    MERGE: 'two objects in one track, at once or in turn',
    SWITCH: 'goes over to another object, both visible',
    EXTENT: 'in too few frames of the object, or in too many',
    DUPLICATE: 'a second track of an object that is found already',
    'temporal': 'on the right object, but in the wrong frames; in detail:',
    SPATIAL_AND_TEMPORAL: 'masks and frames are wrong; mending one is not enough',
    BOTH: 'the wrong category, and a low IoU with the object, too',
    BACKGROUND: 'on no object',
    MISSED: 'an object that no track is nearly right about',
}


@dataclass(frozen=True)
class TrackError:
    """One error: a wrong track, a missed object, or a right track that is two objects.

    Attributes:
        kind: one of :data:`KINDS`.
        video_id: of the annotation file.
        detection: position of the track in its video's overlaps; None if missed.
        false_positive: whether the track counts as a false positive. A track that is
            right about one object and goes on with another is none.
        score: of the track; 0 if missed.
        target: the object that it is about, a position likewise; None if background.
        claims: the objects, found by no track, that are found once it is repaired.
        related: other objects that it is on.
    """

    kind: str
    video_id: Any
    detection: int | None
    false_positive: bool
    score: float
    target: int | None = None
    claims: tuple[int, ...] = ()
    related: tuple[int, ...] = ()
