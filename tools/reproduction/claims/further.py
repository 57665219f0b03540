"""Further experiments on a claim that the benchmark could not see."""

from __future__ import annotations

from dataclasses import replace

from reproduction.plan_format import Claim


def and_six_seeds(claim: Claim) -> tuple[Claim, Claim]:
    """A claim, and the same with three seeds more: chance of the trainings is less."""
    text = claim.text
    if text[1].islower():  # not an abbreviation
        text = text[0].lower() + text[1:]
    more = replace(
        claim,
        name=f'{claim.name}_six_seeds',
        text=f'With six seeds for three: {text}',
        paper='As above.',
        seeds=range(6),
        after=claim.name,
    )
    return claim, more
