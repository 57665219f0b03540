"""What association allows, and what counts in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real


@dataclass(frozen=True)
class AssociationSettings:
    """What is allowed, and what counts.

    Attributes:
        gate (float): How far a centre may be off in the next frame, in sizes of the
            object: the usual side of a square of its box's area, but no more than
            0.9 of the longer side of what is seen of it, now or in the frame before
            (nor less than the side of a square of that), and half of the way to where
            it is expected.
        gate_growth (float): So much more each further frame unseen.
        gate_limit (float): But no more than this.
        sole (float): How far the only mask of its label may be off in the next frame,
            in sizes, if just one track of that label is remembered, and nothing is
            known of its motion: seen once, or once since it was gone; 0: as
            others. 3.5 follows what alone of its class is fast.
        overlap, nearness, looks (float): Weights of the outlines' IoU, of 1 minus the
            distance as a share of the gate, and of the looks' cosine.
        label (float): Added for the same label: of two tracks on one object, which a
            detector found as two classes, each goes on with its own.
        least (float): The sum that a pair needs to go on.
        relabel (float): Another label goes on from this IoU of outlines only; above 1:
            never.
        unlike (float): A lost track does not go on with a mask whose looks have a lower
            cosine, unless outlines overlap as much as ``relabel``; -1: it does.
        comeback (float): Cosine that a return by looks needs; above 1: none returns.
        comeback_margin (float): By which it must be ahead of all other lost tracks'.
        speed (float): How far a track can have got in a frame, in sizes.
        duplicate (float): A mask that could go on with a track another one got, and
            has this share of the smaller of both in common with it, is a duplicate and
            gets no id; above 1: it becomes a new track.
        twin (float): A mask of the same label that has this IoU with a better one is
            the same object found again and gets no id, unless the better one lies on
            several that are apart: two people in one mask; or each fits best to
            another of two tracks that were seen ten times or more: two who cross;
            above 1: all are objects.
        steady (float): Added for a track that was seen ten times or more, and less for
            a younger one: of two on one object the older goes on.
        momentum (float): Share of the latest looks in those of a track.
        retain (int): Frames that a lost track is remembered.
        begin (float): Score that a new track needs; masks below may go on with one.
    """

    gate: float = 1.0
    gate_growth: float = 0.25
    gate_limit: float = 3.0
    sole: float = 0.0
    overlap: float = 1.0
    nearness: float = 0.3
    looks: float = 1.0
    label: float = 0.3
    least: float = 0.0
    relabel: float = 0.3
    unlike: float = 0.4
    comeback: float = 0.6
    comeback_margin: float = 0.05
    speed: float = 1.0
    duplicate: float = 0.5
    twin: float = 0.3
    steady: float = 0.3
    momentum: float = 0.2
    retain: int = 100
    begin: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, Real) or math.isnan(value):
                raise ValueError(f'{name} must be a number, but is {value!r}.')
        if not 0 < self.momentum <= 1:
            raise ValueError(f'momentum must be in (0, 1], but is {self.momentum}.')
        if self.retain < 1:
            raise ValueError(f'retain must be at least 1, but is {self.retain}.')
        if not 0 <= self.sole < math.inf:
            raise ValueError(f'sole must be at least 0 and finite, but is {self.sole}.')
        if self.gate <= 0 or self.speed <= 0:
            raise ValueError('gate and speed must be above 0.')
