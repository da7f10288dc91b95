"""The split of a topic's reward among its three tasks and their actors, and what is paid of it.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/worker_rewards.go``,
``reputer_rewards.go`` and ``rewards.go``; rewards, sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from allora_core.epoch import Params, Report
from allora_core.reference.number import (
    ONE,
    ZERO,
    NumberError,
    absolute,
    add,
    maximum,
    multiply,
    quotient,
    subtract,
)
from allora_core.reference.number_text import to_integer_amount

__all__ = [
    "Entropies",
    "Shared",
    "TaskRewards",
    "divided",
    "normalisation",
    "paid",
    "raised_share",
    "shared_with_delegators",
    "task_rewards",
    "utility",
]

_LEAST_UTILITY = Decimal("0.1")
_GREATEST_UTILITY = Decimal("0.5")
_UTILITY_SLOPE = Decimal("0.4")


@dataclass(frozen=True, slots=True)
class Entropies:
    """F, G and H."""

    inference: Decimal
    forecasting: Decimal
    reputer: Decimal


@dataclass(frozen=True, slots=True)
class TaskRewards:
    """U, V and W."""

    inference: Decimal
    forecasting: Decimal
    reputer: Decimal


def utility(
    score: Decimal, inferer_scores: Iterable[Decimal], previous: Decimal, params: Params
) -> tuple[Decimal, Decimal]:
    """Return tau and chi, the smoothed score ratio of the forecasting task and its utility.

    tau = alpha*(T/M) + (1 - alpha)*tau of before, M = max(0, max_j T_j). Without an inferer score
    above 0, M is |T|; if T is 0 as well, tau is 0 and chi 0.5. chi = 0.1 below tau = 0, 0.5 from
    tau = 1 on, 0.4*tau + 0.1 between.
    """
    best = ZERO
    for other in inferer_scores:
        best = maximum(other, best)
    if not best:
        if not score:
            return ZERO, _GREATEST_UTILITY
        best = absolute(score)
    alpha = params.task_reward_alpha
    ratio = add(multiply(alpha, quotient(score, best)), multiply(subtract(ONE, alpha), previous))
    if ratio < 0:
        return ratio, _LEAST_UTILITY
    if ratio >= 1:
        return ratio, _GREATEST_UTILITY
    return ratio, add(multiply(ratio, _UTILITY_SLOPE), _LEAST_UTILITY)


def normalisation(entropies: Entropies, chi: Decimal) -> Decimal:
    """Return gamma = (F + G) / ((1 - chi)*F + chi*G)."""
    f, g = entropies.inference, entropies.forecasting
    return quotient(add(f, g), add(multiply(subtract(ONE, chi), f), multiply(chi, g)))


def task_rewards(
    entropies: Entropies, chi: Decimal, gamma: Decimal, reward: Decimal
) -> TaskRewards:
    """Return the tasks' rewards of the topic's reward E, with Z = (F + G) + H.

    U = ((((1 - chi)*gamma)*F)*E)/Z, V = (((chi*gamma)*G)*E)/Z, W = (H*E)/Z.
    """
    f, g, h = entropies.inference, entropies.forecasting, entropies.reputer
    everything = add(add(f, g), h)
    inference = multiply(multiply(multiply(subtract(ONE, chi), gamma), f), reward)
    forecasting = multiply(multiply(multiply(chi, gamma), g), reward)
    return TaskRewards(
        inference=quotient(inference, everything),
        forecasting=quotient(forecasting, everything),
        reputer=quotient(multiply(h, reward), everything),
    )


def divided(fractions: Mapping[str, Decimal], reward: Decimal) -> dict[str, Decimal]:
    """Return each actor's part of its task's reward; the fractions are not the smoothed ones."""
    return {actor: multiply(fraction, reward) for actor, fraction in fractions.items()}


@dataclass(frozen=True, slots=True)
class Shared:
    """A reputer's reward after its delegators took their part.

    Attributes:
        reward: what the reputer keeps.
        delegators: what its delegators get, whole base units.
        per_share: rewards of its delegators per unit of their stake, since ever; ``None`` if they
            never got any.
    """

    reward: Decimal
    delegators: int
    per_share: Decimal | None


def shared_with_delegators(reward: Decimal, report: Report, per_share: Decimal | None) -> Shared:
    """Take the delegators' part d = trunc(r*(S_d/S)) out of a reputer's reward r.

    d > 0 raises the reward per share by d/S_d; that sum is exact and grows beyond 34 digits.

    Raises:
        NumberError: ``div_undefined`` if the reputer has no stake, ``overflow`` above 256 bits.
    """
    part = to_integer_amount(multiply(reward, quotient(report.delegated, report.stake)))
    amount = Decimal(part)
    if part > 0:
        per_share = raised_share(ZERO if per_share is None else per_share, part, report.delegated)
    return Shared(subtract(reward, amount), part, per_share)


def raised_share(before: Decimal, part: int, delegated: Decimal) -> Decimal:
    """Return the reward per share once the delegators' part of a reward is added to it."""
    return add(before, quotient(Decimal(part), delegated))


def paid(rewards: Mapping[str, Decimal]) -> tuple[dict[str, int], dict[str, NumberError]]:
    """Return what is paid, and why a payout failed, by actor.

    Whole base units, of actors who get at least one. A payout of more than 256 bits fails; nobody
    else's does for it.
    """
    units: dict[str, int] = {}
    faults: dict[str, NumberError] = {}
    for actor, reward in rewards.items():
        try:
            units[actor] = to_integer_amount(reward)
        except NumberError as fault:
            faults[actor] = fault
    return {actor: amount for actor, amount in units.items() if amount > 0}, faults
