"""What a user may say of the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Settings of importers; each heeds those that mean something to it.

    Attributes:
        identity: how single images tell objects apart; see ``identified``.
        category: name of the category of all objects, where the source has none.
        categories: file of categories; see ``ObjectCategories``.
        all_frames: take frames without an annotation, too.
    """

    identity: str = 'auto'
    category: str = 'object'
    categories: str | None = None
    all_frames: bool = False
