"""What a claim's interval could have shown, and what would narrow it."""

from __future__ import annotations

import math

from .findings import Finding
from .resampling import NOT_SEEN


def reach(finding: Finding) -> str:
    """Sentences below a claim's table.

    Of a claim that was not seen: how large a gain would have been, and whether the
    paper's is in the interval. Of each: how wide videos alone, and trainings alone,
    would make the interval.
    """
    found, paper = finding.each, finding.claim.gain
    if found is None:
        return ''
    sentences = []
    if finding.verdict == NOT_SEEN:
        least = f'{(found.high - found.low) / 2:.3f}'
        if paper is None:
            sentences.append(f'A gain below about {least} cannot be told from none.')
        elif found.low <= paper <= found.high:
            sentences.append(
                f"The paper's {paper:+.3f} is in the interval as well: a gain below "
                f'about {least} cannot be told from none.'
            )
        else:
            sentences.append(
                f"The paper's {paper:+.3f} is outside the interval: as much is not "
                'there at this size.'
            )
    if not math.isnan(found.videos + found.trainings):
        sentences.append(
            f'Chance of the videos alone is ±{found.videos:.3f}, of the trainings '
            f'alone ±{found.trainings:.3f}.'
        )
    return ' '.join(sentences)
