"""The network inference bundle: combined, naive, one-out and one-in inferences.

Whitepaper: I_i = sum_l w_il I_il / sum_l w_il over inferences and forecast-implied inferences; the
other lists leave someone out or let a single forecaster in, each weighted with regrets of its own.

Sources: allora-chain v0.6 to v0.17,
``x/emissions/keeper/inference_synthesis/network_inference_builder.go``; synthesis, sections 4, 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from allora_core.epoch import State, TopicError
from allora_core.reference.faults import located
from allora_core.reference.forecast_implied import (
    ImpliedInput,
    Vector,
    forecast_implied,
    without,
)
from allora_core.reference.number import ZERO, NumberError, add, multiply, quotient
from allora_core.reference.weight import Weights, weights

__all__ = [
    "Participants",
    "combined",
    "naive",
    "one_in_forecaster",
    "one_out_forecaster",
    "one_out_inferer",
    "one_out_inferer_forecaster",
    "regrets_of",
    "weighted_mean",
]

Regrets = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Participants:
    """Everyone in an epoch's synthesis and what they are weighted with.

    Attributes:
        inferers: with an inference, in address order.
        forecasters: with a forecast-implied inference, in address order.
        forecasts: forecaster -> elements.
        implied: forecaster -> forecast-implied inference.
        given: what forecast-implied inferences read; also the inferences, params and rules.
        state: regrets and scale before the epoch.
        initial_regret: reads for every regret that was never stored.
    """

    inferers: list[str]
    forecasters: list[str]
    forecasts: Mapping[str, Sequence[tuple[str, Decimal]]]
    implied: dict[str, Vector]
    given: ImpliedInput
    state: State
    initial_regret: Decimal


def regrets_of(stored: Regrets, workers: Sequence[str], initial_regret: Decimal) -> Regrets:
    """Return everybody's regret; the topic's initial regret for those who have none."""
    return {worker: stored.get(worker, initial_regret) for worker in workers}


def weighted_mean(
    everyone: Participants, inferers: Sequence[str], implied: Mapping[str, Vector], raw: Weights
) -> Vector:
    """Return num/den per label, num = sum w*x, den = sum w, floored at epsilon_safe_div.

    While all inferers are new: their plain mean, forecasters do not contribute.
    """
    given = everyone.given
    numerator = [ZERO] * given.labels
    denominator = ZERO
    used = 0
    if given.all_inferers_are_new:
        denominator = Decimal(len(inferers))
        used = len(inferers)
        for j in inferers:
            values = zip(numerator, given.inferences[j], strict=True)
            numerator = [add(so_far, x) for so_far, x in values]
    else:
        parts = [(raw.inferer[j], given.inferences[j]) for j in inferers]
        parts += [(w, implied[k]) for k, w in raw.forecaster.items() if k in implied]
        for w, vector in parts:
            if not w:
                continue
            used += 1
            denominator = add(denominator, w)
            values = zip(numerator, vector, strict=True)
            numerator = [add(so_far, multiply(w, x)) for so_far, x in values]
    if not used and given.rules.no_usable_participant == "fault":
        raise NumberError("no_usable_participant")
    if denominator < given.params.epsilon_safe_div:
        denominator = given.params.epsilon_safe_div
    return tuple(quotient(value, denominator) for value in numerator)


def _call(
    everyone: Participants,
    inferers: Sequence[str],
    implied: Mapping[str, Vector],
    forecasters: Sequence[str],
    inferer_regret: Regrets,
    forecaster_regret: Regrets,
) -> tuple[Vector, Weights]:
    """Weigh and average one call of the synthesis; missing regrets read as the initial one."""
    r0, given = everyone.initial_regret, everyone.given
    raw = weights(
        inferers,
        forecasters,
        regrets_of(inferer_regret, inferers, r0),
        regrets_of(forecaster_regret, forecasters, r0),
        given.scale,
        given.params,
        given.rules,
    )
    return weighted_mean(everyone, inferers, implied, raw), raw


def combined(everyone: Participants) -> tuple[Vector, Weights]:
    """Return I_i and its weights, from R_j and R_k."""
    state = everyone.state
    with located(state.topic_id, "combined"):
        return _call(
            everyone,
            everyone.inferers,
            everyone.implied,
            everyone.forecasters,
            state.inferer_regret,
            state.forecaster_regret,
        )


def naive(everyone: Participants) -> Vector:
    """Return the inference without forecasters, from the naive regrets."""
    state = everyone.state
    with located(state.topic_id, "naive"):
        regret = state.naive_inferer_regret
        return _call(everyone, everyone.inferers, {}, [], regret, {})[0]


def one_out_inferer(everyone: Participants) -> dict[str, Vector]:
    """Return inferer w -> the combined inference without w, forecast-implied ones recomputed.

    Regrets of this pass are those of w's own families. A forecaster left without a forecast-implied
    inference drops out of the mean, but its regret still counts for the largest regret.
    """
    state = everyone.state
    values: dict[str, Vector] = {}
    for w in everyone.inferers:
        with located(state.topic_id, "one_out_inferer", w):
            remaining = [j for j in everyone.inferers if j != w]
            values[w], _ = _call(
                everyone,
                remaining,
                _implied_without(everyone, w),
                everyone.forecasters,
                state.one_out_inferer_inferer_regret.get(w, {}),
                state.one_out_inferer_forecaster_regret.get(w, {}),
            )
    return values


def _implied_without(everyone: Participants, w: str) -> dict[str, Vector]:
    """Return the forecast-implied inferences for the pass without inferer w."""
    implied: dict[str, Vector] = {}
    for k in everyone.forecasters:
        if everyone.given.rules.withheld_forecast == "stripped":
            value = _stripped(everyone, k, w)
        else:
            value = forecast_implied(everyone.forecasts[k], everyone.given, withheld=w).value
        if value is not None:
            implied[k] = value
    return implied


def _stripped(everyone: Participants, k: str, w: str) -> Vector | None:
    """Return the forecast-implied inference of k with w removed from inferences and forecast."""
    rest = {j: x for j, x in everyone.given.inferences.items() if j != w}
    elements = without(everyone.forecasts[k], w)
    return forecast_implied(elements, replace(everyone.given, inferences=rest)).value


def one_out_forecaster(everyone: Participants) -> dict[str, Vector]:
    """Return forecaster q -> the combined inference without q; nothing for a lone forecaster."""
    if len(everyone.forecasters) < 2:
        return {}
    state = everyone.state
    values: dict[str, Vector] = {}
    for q in everyone.forecasters:
        with located(state.topic_id, "one_out_forecaster", q):
            values[q], _ = _call(
                everyone,
                everyone.inferers,
                everyone.implied,
                [k for k in everyone.forecasters if k != q],
                state.one_out_forecaster_inferer_regret.get(q, {}),
                state.one_out_forecaster_forecaster_regret.get(q, {}),
            )
    return values


def one_in_forecaster(everyone: Participants) -> dict[str, Vector]:
    """Return forecaster q -> the naive inference with q added; nothing for a lone forecaster.

    Inferers' and q's own regrets come from one table, keyed (q, worker).
    """
    if len(everyone.forecasters) < 2:
        return {}
    state = everyone.state
    values: dict[str, Vector] = {}
    for q in everyone.forecasters:
        with located(state.topic_id, "one_in_forecaster", q):
            table = state.one_in_forecaster_regret.get(q, {})
            values[q], _ = _call(everyone, everyone.inferers, everyone.implied, [q], table, table)
    return values


def one_out_inferer_forecaster(everyone: Participants) -> dict[str, dict[str, Vector]]:
    """Return forecaster -> withheld inferer -> forecast-implied inference without it.

    A pair that cannot be computed is left out, unlike any other fault of the synthesis.
    """
    values: dict[str, dict[str, Vector]] = {}
    for k in everyone.forecasters:
        row: dict[str, Vector] = {}
        for w in everyone.inferers:
            try:
                value = _stripped(everyone, k, w)
            except (NumberError, TopicError):
                continue
            if value is not None:
                row[w] = value
        values[k] = row
    return values
