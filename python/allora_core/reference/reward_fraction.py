"""How a task's reward is divided among its actors, and the entropy of that division.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/worker_rewards.go``,
``reputer_rewards.go`` and ``rewards_internal.go``; rewards, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from allora_core.epoch import Params
from allora_core.reference.curves import phi
from allora_core.reference.functions import ln, power
from allora_core.reference.number import (
    ONE,
    NumberError,
    add,
    multiply,
    quotient,
    total,
)
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import ema, standard_deviation

__all__ = [
    "LONE_ENTROPY",
    "Smoothed",
    "entropy",
    "reputer_fractions",
    "smoothed_fractions",
    "worker_fractions",
]

Fractions = dict[str, Decimal]

LONE_ENTROPY = Decimal("0.173286795139986")
"""Entropy of a task with one actor: ln 2 / 4 with 15 digits."""


def worker_fractions(
    scores: Mapping[str, Decimal],
    sample: Sequence[Decimal],
    p: Decimal,
    c: Decimal,
    epsilon: Decimal,
    rules: Rules,
) -> Fractions:
    """Return u_j = M_j / sum M, M_j = phi_p(T_j / (sigma + epsilon)).

    sigma is the sample deviation of the scores in ``sample``. Below epsilon all scores count as
    equal: every M_j is 1.
    """
    deviation = standard_deviation(sample)
    if deviation < epsilon:
        potential = dict.fromkeys(scores, ONE)
    else:
        scale = add(deviation, epsilon)
        potential = {j: phi(p, c, quotient(x, scale), rules) for j, x in scores.items()}
    everyone = total(potential.values())
    return {j: quotient(x, everyone) for j, x in potential.items()}


def reputer_fractions(
    scores: Mapping[str, Decimal], stakes: Mapping[str, Decimal], p: Decimal, rules: Rules
) -> Fractions:
    """Return w_m = (S_m*T_m)^p / sum_i (S_i*T_i)^p; a numerator of 0 stays without division."""
    weights = {m: power(multiply(stakes[m], score), p, rules) for m, score in scores.items()}
    everyone = total(weights.values())
    return {m: quotient(weight, everyone) if weight else weight for m, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A task's smoothed fractions.

    Attributes:
        fractions: actor -> f_i, which are stored.
        effective: N_eff, the effective number of actors.
    """

    fractions: Fractions
    effective: Decimal


def smoothed_fractions(
    fractions: Mapping[str, Decimal], stored: Mapping[str, Decimal], params: Params
) -> Smoothed:
    """Return f_i = e_i / sum e and N_eff = 1 / sum e_i^2.

    e_i = alpha*x_i + (1 - alpha)*f_i of before; e_i = x_i where none is stored.

    Raises:
        NumberError: ``no_score`` without actors, ``div_zero`` if every e_i is 0.
    """
    if not fractions:
        raise NumberError("no_score")
    smooth = {
        i: ema(params.task_reward_alpha, x, stored.get(i, x), i not in stored)
        for i, x in fractions.items()
    }
    effective = quotient(ONE, total(multiply(e, e) for e in smooth.values()))
    everyone = total(smooth.values())
    return Smoothed({i: quotient(e, everyone) for i, e in smooth.items()}, effective)


def entropy(smoothed: Smoothed, params: Params, rules: Rules) -> Decimal:
    """Return ((sum_i f_i*ln f_i)*(-1)) * (N_eff/N)^beta, and ln 2 / 4 for a lone actor.

    The factor stands outside of the logarithm. A fraction of 0 has no logarithm: the task fails.
    """
    count = len(smoothed.fractions)
    if count == 1:
        return LONE_ENTROPY
    information = total(multiply(f, ln(f, rules)) for f in smoothed.fractions.values())
    crowd = quotient(smoothed.effective, Decimal(count))
    return multiply(
        multiply(information, ONE.copy_negate()), power(crowd, params.beta_entropy, rules)
    )
