"""What a claim's interval could have shown, and what would narrow it."""

from __future__ import annotations

import math

from .findings import Finding
from .resampling import NOT_SEEN


def reach(finding: Finding) -> str:
    """Sentences below a claim's table.

    Of a claim that was not seen: how large a gain would have been, whether the paper's
    is in the interval, and what it would take to see that. Of each: how wide videos
    alone, and trainings alone, would make the interval.
    """
    found, paper = finding.each, finding.claim.gain
    if found is None:
        return ''
    sentences = []
    if finding.verdict == NOT_SEEN:
        half = (found.high - found.low) / 2
        least = f'{half:.3f}'
        if paper is None:
            sentences.append(f'A gain below about {least} cannot be told from none.')
        elif found.low <= paper <= found.high:
            sentences.append(
                f"The paper's {paper:+.3f} is in the interval as well: a gain below "
                f'about {least} cannot be told from none.'
            )
            if half > paper > 0:
                # Chance of either goes with one over the square root of its number.
                times = float(f'{(half / paper) ** 2:.2g}')
                sentences.append(
                    f"To see the paper's takes about {times:g} times as many videos, "
                    'and as many times the trainings.'
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
