"""Reputers of synthetic worlds: exact losses, and what makes reports differ from them.

A reputer is composed of small deviations. In log10 of a loss, noise and bias are sums, which is the
law of the network's own simulator: reported = loss * 10^(spread*N + offset).

Source: allora-simulator, ``workloads/research``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .batch import DecimalArray, Numbers, read_numbers
from .reference.number import add

__all__ = ["Bias", "Deviation", "Missing", "Noise", "Reputer"]

# The combined and the naive loss: every report has them.
ALWAYS_REPORTED = 2


class Deviation(Protocol):
    """Part of what a reputer gets wrong."""

    def draw(self, source: np.random.Generator, entries: int) -> npt.NDArray[np.float64]:
        """One number per entry of the bundle, added to log10 of its loss; NaN: not reported."""


@dataclass(frozen=True, slots=True)
class Noise:
    """An own normal error of every entry, with the standard deviation ``spread`` in log10."""

    spread: float

    def draw(self, source: np.random.Generator, entries: int) -> npt.NDArray[np.float64]:
        """One independent error per entry."""
        return self.spread * source.standard_normal(entries)


@dataclass(frozen=True, slots=True)
class Bias:
    """The same error in every entry, in log10 of the loss."""

    offset: float

    def draw(self, source: np.random.Generator, entries: int) -> npt.NDArray[np.float64]:
        """The offset, for every entry."""
        return np.full(entries, float(self.offset))


@dataclass(frozen=True, slots=True)
class Missing:
    """Every entry but the combined and the naive loss is left out with this probability."""

    probability: float

    def draw(self, source: np.random.Generator, entries: int) -> npt.NDArray[np.float64]:
        """NaN for an entry that is left out, else 0."""
        absent = source.random(entries) < self.probability
        absent[:ALWAYS_REPORTED] = False
        return np.where(absent, np.nan, 0.0)


@dataclass(frozen=True, slots=True)
class Reputer:
    """A reputer of a synthetic world.

    Attributes:
        address: its address.
        stake: its whole stake, own and delegated, in base units.
        changes: its deviations; none: it reports exact losses.
        delegated: the part of the stake that delegators put in.
    """

    address: str
    stake: Decimal
    changes: Sequence[Deviation] = ()
    delegated: Decimal = Decimal("0")

    def deviations(
        self, seed: int, topic_id: int, nonce: int, entries: int
    ) -> npt.NDArray[np.float64]:
        """The sum of its deviations for one report: a function of these arguments alone."""
        source = np.random.default_rng([seed, topic_id, nonce, *self.address.encode()])
        total = np.zeros(entries)
        for change in self.changes:
            total += change.draw(source, entries)
        return total


def reported_losses(column: Numbers, deviations: npt.NDArray[np.float64]) -> list[Decimal | None]:
    """Losses with deviations added, in the numbers of the column; NaN takes an entry out."""
    if not isinstance(column, DecimalArray):
        return read_numbers(column + deviations)
    return [
        # The shortest text of the deviation: it is a draw, and exact digits of it mean nothing.
        None if loss is None or deviation != deviation else moved(loss, deviation)
        for loss, deviation in zip(column.decimals(), deviations.tolist(), strict=True)
    ]


def moved(loss: Decimal, deviation: float) -> Decimal:
    """Their sum; a loss without deviation keeps its written form."""
    return add(loss, Decimal(repr(deviation))) if deviation else loss
