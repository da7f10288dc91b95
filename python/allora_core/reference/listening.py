"""Scores of reputers, and the listening coefficients that climb toward a better mean score.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/rewards_internal.go``; rewards, sections
5.2, 5.4 and 5.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from allora_core.epoch import Params
from allora_core.reference.consensus import Column, consensus, most_distant
from allora_core.reference.number import (
    ONE,
    ZERO,
    absolute,
    add,
    maximum,
    minimum,
    multiply,
    quotient,
    square_root,
    subtract,
    total,
)
from allora_core.reference.rules import Rules

__all__ = ["Listened", "adjusted_stakes", "listen", "reputer_scores"]

Numbers = list[Decimal]

_STEP = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Listened:
    """What the descent came to, by position of the reputers.

    Attributes:
        scores: of the reputers, at the coefficients ``used``.
        used: coefficients at the start of the last iteration run.
        coefficients: coefficients at its end, which are stored.
        iterations: iterations run.
    """

    scores: Numbers
    used: Numbers
    coefficients: Numbers
    iterations: int


def adjusted_stakes(coefficients: Sequence[Decimal], stakes: Sequence[Decimal]) -> Numbers:
    """Return S^_m = min( ((R*a_m)*S_m) / D, 1 ) with D = sum_i a_i*S_i, for R reputers."""
    count = Decimal(len(stakes))
    listened = _weighted_sum(coefficients, stakes)
    shares = [
        quotient(multiply(multiply(count, a), s), listened)
        for a, s in zip(coefficients, stakes, strict=True)
    ]
    return [minimum(share, ONE) for share in shares]


def reputer_scores(
    coefficients: Sequence[Decimal],
    stakes: Sequence[Decimal],
    columns: Sequence[Column],
    params: Params,
) -> Numbers:
    """Return T_m = 1 / (distance_m/norm + epsilon_r).

    norm = sqrt(sum_j c_j^2), distance_m = sqrt(sum_j (x_j - c_j)^2) over the entries j; x_j is the
    reputer's loss, or the most distant one where it has none.
    """
    adjusted = adjusted_stakes(coefficients, stakes)
    middles = [consensus(column, adjusted) for column in columns]
    norm = square_root(total(multiply(c, c) for c in middles))
    if not norm:
        norm = params.epsilon_safe_div
    scores: Numbers = []
    farthest = [most_distant(column, c) for column, c in zip(columns, middles, strict=True)]
    for m in range(len(stakes)):
        squares: Numbers = []
        for column, c, distant in zip(columns, middles, farthest, strict=True):
            own = column[m]
            away = subtract(distant if own is None else own, c)
            squares.append(multiply(away, away))
        distance = square_root(total(squares))
        scores.append(quotient(ONE, add(quotient(distance, norm), params.epsilon_reputer)))
    return scores


def listen(
    stored: Sequence[Decimal],
    stakes: Sequence[Decimal],
    columns: Sequence[Column],
    params: Params,
    rules: Rules,
) -> Listened:
    """Return scores and new listening coefficients of an epoch's reputers.

    At most ``gradient_descent_max_iters`` steps are taken, and none after one that moved no
    coefficient by ``learning_rate * max_gradient_threshold``. The scores lag: they belong to the
    coefficients at the start of the last step.

    Raises:
        NumberError: nobody is listened to, or nobody has stake.
    """
    if rules.zero_listening_coefficients == "raised" and not any(stored):
        stored = [params.epsilon_reputer] * len(stored)
    descent = _Descent(stakes, columns, params)
    a = used = list(stored)
    scores = [ZERO] * len(a)
    iterations, gradient, stuck = 0, ONE, False
    while (
        not stuck
        and gradient >= params.max_gradient_threshold
        and iterations < params.gradient_descent_max_iters
    ):
        used = a
        scores = descent.scores(used)
        a, stuck = descent.moved(used, descent.step(used, scores))
        gradient = quotient(_greatest_move(used, a), params.learning_rate)
        iterations += 1
    return Listened(scores, used, a, iterations)


class _Descent:
    """The parts of one iteration; a are the coefficients at its start."""

    def __init__(
        self, stakes: Sequence[Decimal], columns: Sequence[Column], params: Params
    ) -> None:
        self.stakes, self.columns, self.params = stakes, columns, params

    def scores(self, a: Numbers) -> Numbers:
        return reputer_scores(a, self.stakes, self.columns, self.params)

    def step(self, a: Numbers, scores: Numbers) -> Numbers:
        """Return n_l = min(max(a_l + eta*g_l, 0), 1), g_l = (1 - B/B')/delta.

        B = sum_m T_m*S_m, and B' the same with a_l moved by delta: +0.001, or -0.001 where a_l is
        1. To first order g_l is the derivative of ln B.
        """
        base = _weighted_sum(scores, self.stakes)
        after: Numbers = []
        for at, own in enumerate(a):
            delta = _STEP.copy_negate() if own == ONE else _STEP
            beside = self.scores([*a[:at], add(own, delta), *a[at + 1 :]])
            there = _weighted_sum(beside, self.stakes)
            gradient = quotient(subtract(ONE, quotient(base, there)), delta)
            moved = add(own, multiply(self.params.learning_rate, gradient))
            after.append(minimum(maximum(moved, ZERO), ONE))
        return after

    def moved(self, a: Numbers, n: Numbers) -> tuple[Numbers, bool]:
        """Return the new coefficients, and whether the least share of the stake blocks the way.

        f = (sum_m a_m*S_m)/sum S is the share that is listened to. A step n that ends below
        f_min = ``min_stake_fraction`` is taken only as far as f_min:
        a_l + ((n_l - a_l)*(f_min - f_a))/(f_n - f_a), not kept within [0, 1].
        """
        stake, least = total(self.stakes), self.params.min_stake_fraction
        before = quotient(_weighted_sum(a, self.stakes), stake)
        after = quotient(_weighted_sum(n, self.stakes), stake)
        if after >= least:
            return n, False
        change = subtract(after, before)
        if not change:
            return a, True
        room = subtract(least, before)
        return [
            add(old, quotient(multiply(subtract(new, old), room), change))
            for old, new in zip(a, n, strict=True)
        ], False


def _greatest_move(old: Numbers, new: Numbers) -> Decimal:
    farthest = ZERO
    for before, after in zip(old, new, strict=True):
        farthest = maximum(absolute(subtract(after, before)), farthest)
    return farthest


def _weighted_sum(values: Sequence[Decimal], stakes: Sequence[Decimal]) -> Decimal:
    return total(multiply(value, stake) for value, stake in zip(values, stakes, strict=True))
