"""All categories as one: how well objects are found, segmented and followed at all."""

from collections.abc import Sequence
from dataclasses import replace

from .vis_eval import GroundTruth, id_order

ANY_CATEGORY = 'any'
AGNOSTIC = '_agnostic'
"""What the keys of class-agnostic numbers end with."""


def without_categories(ground_truth: GroundTruth) -> GroundTruth:
    """The same objects, all of one category, :data:`ANY_CATEGORY`."""
    return replace(
        ground_truth,
        annotations=_as_one(ground_truth.annotations, ground_truth.category_ids),
        category_ids=[ANY_CATEGORY],
    )


def results_without_categories(
    results: Sequence[dict], category_ids: Sequence
) -> list[dict]:
    """The results of the given categories, as ones of :data:`ANY_CATEGORY`.

    The best 100 of a video count, whatever they were called. Of equal scores those of
    the lower category id come first, as in the official code with ``useCats = 0``.
    """
    return _as_one(results, category_ids)


def _as_one(items: Sequence[dict], category_ids: Sequence) -> list[dict]:
    """Items of the categories, category by category, each with the one id."""
    known = [item for item in items if item['category_id'] in category_ids]
    known.sort(key=lambda item: id_order(item['category_id']))  # stable
    return [{**item, 'category_id': ANY_CATEGORY} for item in known]
