"""Scores of inferers and forecasters: how much worse the network's loss would be without them.

Losses are logarithms, so a score is a difference of logarithms. There is no other utility of a
single worker.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/scores.go`` and ``rewards_internal.go``;
rewards, sections 3 and 4.
"""

from __future__ import annotations

from decimal import Decimal

from allora_core.epoch import ValueBundle
from allora_core.reference.functions import power
from allora_core.reference.number import (
    ONE,
    TWO,
    ZERO,
    NumberError,
    add,
    multiply,
    quotient,
    subtract,
)
from allora_core.reference.rules import Rules

__all__ = ["forecaster_scores", "forecasting_task_score", "inferer_scores", "is_lone"]

Scores = dict[str, Decimal]


def is_lone(losses: dict[str, Decimal]) -> bool:
    """Tell whether a role has exactly one worker: it scores 0, and averages stay as they are."""
    return len(losses) == 1


def inferer_scores(losses: ValueBundle) -> Scores:
    """Return T_j = L-_j - L, in address order; inferers without a one-out loss have none.

    L is the combined loss, L-_j the combined loss without inferer j.
    """
    if is_lone(losses.inferer):
        return dict.fromkeys(losses.inferer, ZERO)
    combined = _required(losses.combined)
    without = losses.one_out_inferer
    return {j: subtract(without[j], combined) for j in sorted(without)}


def forecaster_scores(losses: ValueBundle, rules: Rules) -> Scores:
    """Return T_k = f*(N - L+_k) + (1 - f)*(L-_k - L), f = 1/2^(K - 1), in address order.

    N is the naive loss, L+_k the naive loss with forecaster k added, L-_k the combined loss L
    without it, and K the number of one-out losses. The network pairs one-in and one-out losses by
    their position, not by their forecaster; scores carry the names of the one-in list.

    Raises:
        NumberError: ``length`` if there are more one-in than one-out losses.
    """
    if is_lone(losses.forecaster):
        return dict.fromkeys(losses.forecaster, ZERO)
    combined, naive = _required(losses.combined), _required(losses.naive)
    within = losses.one_in_forecaster
    without = [losses.one_out_forecaster[k] for k in sorted(losses.one_out_forecaster)]
    if len(within) > len(without):
        raise NumberError("length")
    f = quotient(ONE, power(TWO, Decimal(len(without) - 1), rules))
    scores: Scores = {}
    for k, one_out in zip(sorted(within), without, strict=False):
        added = multiply(f, subtract(naive, within[k]))
        scores[k] = add(added, multiply(subtract(ONE, f), subtract(one_out, combined)))
    return scores


def forecasting_task_score(losses: ValueBundle) -> Decimal:
    """Return T = N - L: how much worse the network would be without its forecasters."""
    return subtract(_required(losses.naive), _required(losses.combined))


def _required(loss: Decimal | None) -> Decimal:
    if loss is None:
        raise NumberError("nan")
    return loss
