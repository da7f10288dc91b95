"""From regrets to weights: the regret scale and the weight function.

Whitepaper: R^_l = R_l / sigma(R) and w_l = phi'_p(R^_l).

Sources: allora-chain v0.6 to v0.17, ``x/emissions/keeper/inference_synthesis/weight.go``;
synthesis, sections 3, 8 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from allora_core.epoch import Params
from allora_core.reference.curves import exp1_div_exp1, gradient
from allora_core.reference.number import (
    ZERO,
    NumberError,
    absolute,
    add,
    multiply,
    negate,
    quotient,
    subtract,
    total,
)
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import median_absolute_deviation, standard_deviation

__all__ = ["Weights", "normalized", "regret_scale", "weight", "weights"]

MAD_FACTOR = Decimal("1.4826")
_UPPER = Decimal("6.75")
_ANCHOR = Decimal("8.25")
_CUT_OFF = Decimal("17.25")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of one call, by role, and the scale its regrets were divided by."""

    inferer: dict[str, Decimal]
    forecaster: dict[str, Decimal]
    scale: Decimal


def regret_scale(regrets: Sequence[Decimal], params: Params, rules: Rules) -> Decimal:
    """Return |sigma(R)| + epsilon, with sigma the sample deviation or 1.4826 * MAD(R)."""
    if rules.scale_measure == "median_absolute_deviation":
        deviation, _ = median_absolute_deviation(regrets)
        measure = multiply(MAD_FACTOR, deviation)
    else:
        measure = standard_deviation(regrets)
    return add(absolute(measure), params.epsilon)


def weight(n: Decimal, largest: Decimal, params: Params, rules: Rules) -> Decimal:
    """Return the weight of a normalized regret n, M being the largest of the call.

    ``ratio``: phi'(n)/phi'(M) = (e^(-p(M - c)) + 1)/(e^(-p(n - c)) + 1).

    ``bounded_gradient``: phi'_p(n), with n at most c + 6.75/p, all regrets moved up if even M is
    below c - 8.25/p, and weight 0 below c - 17.25/p.
    """
    p, c = params.p_norm, params.c_norm
    if rules.weight_function == "ratio":
        a = negate(multiply(p, subtract(largest, c)))
        b = negate(multiply(p, subtract(n, c)))
        return exp1_div_exp1(a, b, rules)
    upper = add(c, quotient(_UPPER, p))
    anchor = subtract(c, quotient(_ANCHOR, p))
    cut_off = subtract(c, quotient(_CUT_OFF, p))
    n = upper if n > upper else n
    if largest < anchor:
        n = add(subtract(n, largest), anchor)
    if n < cut_off:
        return ZERO
    return gradient(p, c, n, rules)


def weights(
    inferers: Sequence[str],
    forecasters: Sequence[str],
    inferer_regret: Mapping[str, Decimal],
    forecaster_regret: Mapping[str, Decimal],
    stored_scale: Decimal,
    params: Params,
    rules: Rules,
) -> Weights:
    """Weigh the participants of one call by their regrets.

    Participants without a regret are left out; ``no_regret`` if nobody has one. A stored scale
    above 0 serves every call of the epoch, otherwise the regrets of this call give it.
    """
    by_inferer = {j: inferer_regret[j] for j in inferers if j in inferer_regret}
    by_forecaster = {k: forecaster_regret[k] for k in forecasters if k in forecaster_regret}
    regrets = [*by_inferer.values(), *by_forecaster.values()]
    if not regrets:
        raise NumberError("no_regret")
    use_stored = rules.scale_storage == "stored" and stored_scale > 0
    scale = stored_scale if use_stored else regret_scale(regrets, params, rules)
    n_inferer = {j: quotient(regret, scale) for j, regret in by_inferer.items()}
    n_forecaster = {k: quotient(regret, scale) for k, regret in by_forecaster.items()}
    largest = max([*n_inferer.values(), *n_forecaster.values()])
    return Weights(
        {j: weight(n, largest, params, rules) for j, n in n_inferer.items()},
        {k: weight(n, largest, params, rules) for k, n in n_forecaster.items()},
        scale,
    )


def normalized(raw: Weights) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Divide the weights by their sum: w_l / sum of w; ``zero_weight`` if that is 0."""
    denominator = total([*raw.inferer.values(), *raw.forecaster.values()])
    if not denominator:
        raise NumberError("zero_weight")
    return (
        {j: quotient(w, denominator) for j, w in raw.inferer.items()},
        {k: quotient(w, denominator) for k, w in raw.forecaster.items()},
    )
