"""Forecast-implied inferences: what a forecaster's forecasted losses imply about the target.

Whitepaper: I_ik = sum_j w_ijk I_ij / sum_j w_ijk, weights from the approximate regrets
R_ijk = L_(i-1) - L_ijk.

Sources: allora-chain v0.6 to v0.17,
``x/emissions/keeper/inference_synthesis/forecast_implied.go``; synthesis, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from allora_core.epoch import Params
from allora_core.reference.number import ONE, ZERO, add, multiply, quotient, subtract
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import median
from allora_core.reference.weight import weights

__all__ = ["ForecastImplied", "ImpliedInput", "Vector", "forecast_implied", "without"]

Vector = tuple[Decimal, ...]
"""One value per label."""


@dataclass(frozen=True, slots=True)
class ForecastImplied:
    """A forecast-implied inference, ``None`` if there is none, and the inferers' weights in it."""

    value: Vector | None
    inferer_weight: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImpliedInput:
    """What every forecast-implied inference of an epoch reads besides the forecast itself.

    Attributes:
        inferences: inferer -> values over the labels.
        labels: how many labels.
        all_inferers_are_new: then medians are taken and weights play no part.
        previous_loss: combined network loss of the epoch before.
        scale: stored regret scale.
        params, rules: in force.
    """

    inferences: dict[str, Vector]
    labels: int
    all_inferers_are_new: bool
    previous_loss: Decimal
    scale: Decimal
    params: Params
    rules: Rules


def forecast_implied(
    elements: Sequence[tuple[str, Decimal]], given: ImpliedInput, withheld: str | None = None
) -> ForecastImplied:
    """Return the forecast-implied inference of one forecast.

    With ``withheld``, the withheld inferer keeps its inference and its element but has no weight
    (rule ``kept_without_weight``): it still counts for "one element or more", and as the only one
    it keeps weight 1. :func:`without` strips it instead.
    """
    if not elements:
        return ForecastImplied(None)
    usable = [(j, loss) for j, loss in elements if j in given.inferences]
    if given.all_inferers_are_new:
        columns = range(given.labels)
        return ForecastImplied(
            tuple(median([given.inferences[j][label] for j, _ in usable]) for label in columns)
        )
    if not usable:
        return ForecastImplied(None)
    w = _element_weights(usable, given, withheld)
    return ForecastImplied(_weighted(usable, w, given), w)


def _element_weights(
    usable: Sequence[tuple[str, Decimal]], given: ImpliedInput, withheld: str | None
) -> dict[str, Decimal]:
    """Return w_ijk: 1 for a lone element, else from R_ijk = L_(i-1) - L_ijk."""
    if len(usable) == 1:
        return {usable[0][0]: ONE}
    regret = {j: subtract(given.previous_loss, loss) for j, loss in usable}
    weighted = [j for j in sorted(regret) if j != withheld]
    return weights(weighted, [], regret, {}, given.scale, given.params, given.rules).inferer


def _weighted(
    usable: Sequence[tuple[str, Decimal]], w: dict[str, Decimal], given: ImpliedInput
) -> Vector | None:
    """Return sum w*x / sum w per label, without a floor under the sum; None if it is 0."""
    numerator = [ZERO] * given.labels
    denominator = ZERO
    for j, _ in usable:
        w_j = w.get(j, ZERO)
        if not w_j:
            continue
        denominator = add(denominator, w_j)
        for label, x in enumerate(given.inferences[j]):
            numerator[label] = add(numerator[label], multiply(w_j, x))
    if not denominator:
        return None
    return tuple(quotient(value, denominator) for value in numerator)


def without(elements: Sequence[tuple[str, Decimal]], inferer: str) -> list[tuple[str, Decimal]]:
    """Return the forecast stripped of its elements about one inferer."""
    return [(j, loss) for j, loss in elements if j != inferer]
